"""Shapes for the structure stage: stored objects, turned and sized at random in the cube."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor

from ...model.preprocess.cube import ViewCubes
from ..data.store import ObjectStore
from ..data.targets import signed_distance
from ..engine.loading import Sample
from .fields import LEVELS
from .tables import ObjectTable

TRUNCATION = 3.0  # voxels of the cube, for signed distances
RESOLUTION = 64  # voxels along an edge
_FILLING = (0.5, 0.97)  # share of the cube's edge that an object spans, along its longest side in the cube


@dataclass(frozen=True, slots=True, eq=False)
class StoredShapes:
    """Objects of a split by their number in a table; each turn and size is drawn for a sample's position."""

    numbers: NDArray[np.int64]  # in the table
    extents: NDArray[np.float32]  # [K, 3] m, of these objects

    @classmethod
    def of(cls, store: ObjectStore, ids: tuple[str, ...], chosen: list[str]) -> StoredShapes:
        """The chosen ones of the table's `ids`."""
        numbers = {name: number for number, name in enumerate(ids)}
        extents = [store.records[name].extents for name in chosen]
        return cls(np.array([numbers[name] for name in chosen]), np.array(extents, np.float32))

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Sample:
        return {"object": self.numbers[index], "extents": self.extents[index]}


@dataclass(frozen=True, slots=True)
class PrepareShape:
    """Where a shape lies in the cube, and the noise of its latent's draw."""

    tokens: int  # of the latent
    channels: int

    def __call__(self, sample: Sample, rng: Generator, progress: float) -> Sample:
        """`object`, `T_cube_obj` [4, 4] in metres, `edge` of the cube in metres and `noise`."""
        rotation, edge, centre = random_placement(np.asarray(sample["extents"]), rng)
        T_cube_obj = np.eye(4, dtype=np.float32)
        T_cube_obj[:3, :3], T_cube_obj[:3, 3] = rotation, centre
        noise = rng.standard_normal((self.tokens, self.channels), np.float32)
        return {"object": sample["object"], "T_cube_obj": T_cube_obj, "edge": np.float32(edge), "noise": noise}


def random_placement(
    extents: NDArray[np.float32], rng: Generator
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Rotation [3, 3] object to cube, edge of the cube in metres, and centre of the object in the cube [3], metres."""
    rotation = Rotation.random(rng=rng).as_matrix()
    half = extents / 2
    corners = np.stack(np.meshgrid(*zip(-half, half, strict=True)), axis=-1).reshape(-1, 3)
    span = np.ptp(corners @ rotation.T, axis=0)
    edge = float(span.max() / rng.uniform(*_FILLING))
    free = np.maximum(edge - span, 0) / 2
    return rotation, edge, rng.uniform(-free, free)


@dataclass(frozen=True, slots=True, eq=False)
class ShapeTargets:
    """Fields of a batch of placed shapes."""

    table: ObjectTable

    def __call__(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`occupancy` and `distance` [B, R, R, R], one byte a voxel, of what `PrepareShape` drew; and its `noise`."""
        edge = batch["edge"]
        whole = torch.eye(4, device=edge.device).expand(len(edge), 4, 4)
        cubes = ViewCubes(whole, edge, torch.ones_like(edge, dtype=torch.bool))
        with torch.no_grad(), torch.autocast(edge.device.type, enabled=False):
            volumes = self.table.rows(batch["object"]).volumes
            return fields_in_cube(signed_distance(cubes, batch["T_cube_obj"], volumes, RESOLUTION)) | {
                "noise": batch["noise"]
            }


def fields_in_cube(distance: Tensor) -> dict[str, Tensor]:
    """`occupancy` and `distance` as bytes, of signed distances [B, R, R, R] in edges of the cube."""
    scaled = (distance * (distance.shape[-1] / TRUNCATION)).clamp(-1, 1)
    return {
        "occupancy": (distance < 0).to(torch.uint8),
        "distance": (LEVELS * scaled).round().to(torch.int8),
    }
