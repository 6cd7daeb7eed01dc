"""How good refined surfaces and their colours are, in voxels of 64 along the cube's edge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from skimage.measure import marching_cubes
from torch import Tensor

from ...geometry.metrics import chamfer_distance, f_score
from ...model.decoders import VoxelFields
from ...model.sparse import Voxels
from ...model.surface.field import colours_at, dense_distance
from .placed import Truth

Points = NDArray[np.float32]
_GRID = 64
_FINE = 0.5  # voxels, threshold of the stricter F-score
_POINTS = 40_000  # of an estimated surface at most


@dataclass(frozen=True, slots=True)
class RefinedFigures:
    """Of one object; colours are compared at points of the true surface, with those of the nearest estimated point."""

    chamfer: float  # voxels
    f_score: float  # within one voxel
    fine_f_score: float  # within half a voxel
    colour_error: float  # mean absolute difference of red, green and blue, 0-1
    hidden_colour_error: float  # of the true points that the view does not show; of all without a view


@dataclass(frozen=True, slots=True, eq=False)
class ColouredSurface:
    """Points all over a surface, in cube coordinates."""

    points: Points  # [P, 3]
    colours: Points  # [P, 3] 0-1


def decoded_grids(fields: VoxelFields, voxels: Voxels, elsewhere: Tensor, resolution: int) -> Tensor:
    """Signed distances [B, R c, R c, R c] put together of fields and, beside the voxels, the side in `elsewhere`."""
    parts = zip(_places(voxels), fields.distance.split(voxels.counts), elsewhere[:, 0], strict=True)
    return torch.stack([dense_distance(places, distance, side, resolution) for places, distance, side in parts])


def decoded_figures(
    fields: VoxelFields, voxels: Voxels, truth: Truth, elsewhere: Tensor, resolution: int, hidden: Tensor | None = None
) -> Iterator[RefinedFigures]:
    """Figures of each object's decoded surface; `hidden` [B, M] says which true points a view does not show."""
    grids = decoded_grids(fields, voxels, elsewhere, resolution)
    for number, surface in enumerate(decoded_surfaces(fields, voxels, grids, resolution)):
        yield surface_figures(surface, truth, number, None if hidden is None else hidden[number])


def decoded_surfaces(fields: VoxelFields, voxels: Voxels, grids: Tensor, resolution: int) -> Iterator[ColouredSurface]:
    """The coloured surface of each object."""
    parts = zip(grids, _places(voxels), fields.colours.split(voxels.counts), strict=True)
    for grid, places, colours in parts:
        points = torch.from_numpy(grid_surface(grid.float().cpu().numpy()))
        painted = colours_at(points, places.cpu(), colours.float().cpu(), resolution)
        yield ColouredSurface(points.numpy(), painted.numpy())


def grid_surface(distance: NDArray[np.float32]) -> Points:
    """Points [P, 3] in cube coordinates on the zero surface of a grid, closed at its border; none if all is outside.

    Vertices and middles of triangles: vertices alone would be as far from each other as good surfaces are.
    """
    padded = np.pad(distance, 1, constant_values=1.0)
    if not padded.min() < 0:
        return np.empty((0, 3), np.float32)
    vertices, faces = marching_cubes(padded, 0.0)[:2]
    found = np.concatenate([vertices, vertices[faces].mean(axis=1)]).astype(np.float32)
    points: Points = ((found[:: 1 + len(found) // _POINTS] - 0.5) / len(distance) - 0.5).astype(np.float32)
    return points


def surface_figures(
    surface: ColouredSurface, truth: Truth, number: int, hidden: Tensor | None = None
) -> RefinedFigures:
    """Figures against the object of this number; a surface that is empty has the worst that there are."""
    reference = grid_surface(truth.distance[number, 0].float().cpu().numpy())
    if not len(surface.points) or not len(reference):
        return RefinedFigures(float(_GRID), 0.0, 0.0, 1.0, 1.0)
    points, reference = _GRID * surface.points, _GRID * reference
    shown, colours = (x[number].cpu().numpy() for x in (truth.surface.points, truth.surface.colours))
    _, nearest = cKDTree(points).query(_GRID * shown)
    error = np.abs(surface.colours[nearest] - colours).mean(axis=1)
    unseen = error if hidden is None or not hidden.any() else error[hidden.cpu().numpy()]
    return RefinedFigures(
        chamfer=chamfer_distance(points, reference),
        f_score=f_score(points, reference, 1.0).score,
        fine_f_score=f_score(points, reference, _FINE).score,
        colour_error=float(error.mean()),
        hidden_colour_error=float(unseen.mean()),
    )


def _places(voxels: Voxels) -> tuple[Tensor, ...]:
    places: tuple[Tensor, ...] = voxels.coords[:, 1:].split(voxels.counts)
    return places
