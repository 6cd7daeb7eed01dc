"""Shapes for the structure stage: stored objects, turned and sized at random in the cube."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

from ..data.distance_grid import DistanceGrid
from ..data.store import ObjectStore
from ..engine.loading import Sample
from .fields import LEVELS

TRUNCATION = 3.0  # voxels of the cube, for signed distances
_FILLING = (0.5, 0.97)  # share of the cube's edge that an object spans, along its longest side in the cube
_PLACES = 64  # turned placements of each object, which a run meets in turn


@dataclass(frozen=True, slots=True)
class StoredShapes:
    """Occupancy and distance of stored objects, `_PLACES` placements of each."""

    folder: Path
    ids: tuple[str, ...]
    resolution: int = 64
    seed: int = field(default=0)

    def __len__(self) -> int:
        return len(self.ids) * _PLACES

    def __getitem__(self, index: int) -> Sample:
        number, place = divmod(index, _PLACES)
        distances = _store(self.folder).get(self.ids[number]).distances
        rng = np.random.default_rng((self.seed, 2, number, place))
        fields = distance_in_cube(distances, *random_placement(distances, rng), self.resolution)
        return {
            "occupancy": (fields < 0).astype(np.uint8),
            "distance": np.rint(LEVELS * np.clip(fields, -1, 1)).astype(np.int8),
        }


def random_placement(grid: DistanceGrid, rng: Generator) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Rotation [3, 3] object to cube, edge of the cube in metres, and centre of the object in the cube [3], metres."""
    rotation = Rotation.random(rng=rng).as_matrix()
    margin = (grid.high - grid.low) * 0.05
    corners = np.stack(np.meshgrid(*zip(grid.low + margin, grid.high - margin, strict=True)), axis=-1).reshape(-1, 3)
    span = np.ptp(corners @ rotation.T, axis=0)
    edge = float(span.max() / rng.uniform(*_FILLING))
    free = np.maximum(edge - span, 0) / 2
    return rotation, edge, rng.uniform(-free, free)


def distance_in_cube(
    grid: DistanceGrid, rotation: NDArray[np.float64], edge: float, centre: NDArray[np.float64], resolution: int
) -> NDArray[np.float32]:
    """Signed distance [R, R, R] in units of its truncation, at the centres of the cube's voxels; not clipped.

    Beyond the stored grid it is that of the nearest node plus the way there.
    """
    axis = ((np.arange(resolution) + 0.5) / resolution - 0.5) * edge
    nodes = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    p_obj = (nodes - centre) @ rotation + (grid.low + grid.high) / 2  # rows times R is R^-1 times columns
    inside = np.clip(p_obj, grid.low, grid.high)
    spacing = (grid.high - grid.low) / (np.array(grid.values.shape) - 1)
    stored = map_coordinates(grid.values, ((inside - grid.low) / spacing).T, np.float32, order=1, mode="nearest")
    metres = stored / LEVELS * grid.truncation + np.linalg.norm(p_obj - inside, axis=1)
    scaled: NDArray[np.float32] = (metres / (edge * TRUNCATION / resolution)).astype(np.float32)
    return scaled.reshape((resolution,) * 3)


@lru_cache(maxsize=2)
def _store(folder: Path) -> ObjectStore:
    """One store per process and folder."""
    return ObjectStore(folder)
