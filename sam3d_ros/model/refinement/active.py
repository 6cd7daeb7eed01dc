"""Which voxels are refined where a signed distance is known: those that the surface passes, and those near it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..preprocess.observed import VoxelState
from ..sparse import Voxels
from ..structure import StructureFields


def active_voxels(distance: Tensor, resolution: int, *, reach: float = 0.3, also: Tensor | None = None) -> Voxels:
    """Voxels of a grid of `resolution` that the surface of distances [B, 1, R, R, R] passes through or nearly.

    Distances are signed, at voxel centres; a voxel is active where the least of their magnitudes within it is below
    `reach`, or both signs occur in it, or something in it is in `also` [B, 1, R, R, R] bool. The default is half the
    diagonal of a fine voxel for distances in units of three voxels: no point of the surface is missed. An object always
    has the voxel that is nearest to its surface.
    """
    cell = distance.shape[-1] // resolution
    inside = functional.max_pool3d(-distance, cell)
    outside = functional.max_pool3d(distance, cell)
    near = -functional.max_pool3d(-distance.abs(), cell)
    active = ((inside > 0) & (outside > 0)) | (near < reach)
    if also is not None:
        active |= functional.max_pool3d(also.float(), cell) > 0
    nearest = near.flatten(1).argmin(dim=1, keepdim=True)
    active = active.flatten(1).scatter(1, nearest, True).view_as(active)
    return Voxels(torch.argwhere(active[:, 0]).int(), len(distance))


def refined_voxels(fields: StructureFields, observed: Tensor, resolution: int, reach: float) -> Voxels:
    """Voxels that stage 2 refines: near the surface of stage 1's fields, and where depth in the mask shows one.

    `observed` [B, R, R, R] are states on the grid of the fields. Raises ValueError for fields without a distance.
    """
    if fields.distance is None:
        raise ValueError("stage 1 says no signed distance, by which voxels are chosen; take a decoder that does")
    return active_voxels(fields.distance, resolution, reach=reach, also=(observed == VoxelState.NEAR)[:, None])
