"""Shapes in a cube along the view: the surface of stage 1, or that of stage 2, which also knows colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import Mesh
from ...model.decoders import VoxelFields
from ...model.preprocess.observed import VoxelState
from ...model.sparse import SparseTensor, Voxels
from ...model.structure import StructureFields
from ...model.surface import colours_at, dense_distance
from .cube_surface import cube_surface
from .decoding import solid
from .joining import joined

_SECOND = 0.5  # share of stage 2 in the distance; the two err in different ways
_ROUNDS = 6  # of smoothing; with many more thinning out leaves flat places too few vertices for their colours
Colors = NDArray[np.uint8]
Paint = Callable[[NDArray[np.float32]], Colors]  # sRGB [P, 3] at points [P, 3] in cube coordinates


@dataclass(frozen=True, slots=True, eq=False)
class CubeShape:
    """A closed surface in cube coordinates, and its colours as far as the model knows them."""

    surface: Mesh
    paint: Paint | None = None
    slat: SparseTensor | None = None  # what Gaussians are decoded from


def first_shape(fields: StructureFields, observed: Tensor) -> CubeShape:
    """The surface of stage 1, its pieces joined; `observed` [1, R, R, R] are states of its voxels (`VoxelState`).

    Raises NoShapeError where nothing is inside.
    """
    field = joined(_grid(_signed(fields)[0, 0]), _free(observed))
    return CubeShape(solid(lambda: cube_surface(field, smoothing=_ROUNDS)))


def refined_shape(
    cells: VoxelFields, voxels: Voxels, first: StructureFields, resolution: int, observed: Tensor
) -> CubeShape:
    """The surface between that of stage 1 and the cells of stage 2's voxels, `resolution` of these along an edge.

    Pieces are joined; `observed` [1, R, R, R] are states of stage 1's voxels. Raises NoShapeError where nothing is
    inside.
    """
    places = voxels.coords[:, 1:]
    distance = dense_distance(places, cells.distance, _signed(first)[0, 0], resolution, share=_SECOND)
    seen = _free(observed)
    nearest = np.arange(len(distance)) * len(seen) // len(distance)
    field = joined(_grid(distance), seen[np.ix_(nearest, nearest, nearest)])
    surface = solid(lambda: cube_surface(field))

    def paint(points: NDArray[np.float32]) -> Colors:
        asked = torch.from_numpy(points).to(cells.colours.device)
        colours: Tensor = colours_at(asked, places, cells.colours, resolution)
        return np.rint(255 * _grid(colours)).astype(np.uint8)

    return CubeShape(surface, paint)


def _signed(fields: StructureFields) -> Tensor:
    """[B, 1, R, R, R] negative inside."""
    return -fields.logits if fields.distance is None else fields.distance


def _free(observed: Tensor) -> NDArray[np.bool_]:
    """Where the camera saw through, [R, R, R]."""
    free: NDArray[np.bool_] = (observed[0] == VoxelState.FREE).cpu().numpy()
    return free


def _grid(values: Tensor) -> NDArray[np.float32]:
    numbers: NDArray[np.float32] = values.float().cpu().numpy()
    return numbers
