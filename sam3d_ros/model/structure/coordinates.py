"""From occupancy to the voxels that stage 2 refines. Voxels are int32 [N, 4]: batch entry, x, y, z."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class EmptyStructureError(ValueError):
    """An object without a single occupied voxel."""


class FittedVoxels(NamedTuple):
    """Voxels of one object within a budget, and what became of its size."""

    coords: Tensor  # int32 [N, 4]
    factor: int  # 2 where the object was shrunk to half its size, else 1
    centre: Tensor  # [3] float32, voxels: centre of the box of voxels, about which it was shrunk


def occupied_voxels(logits: Tensor) -> Tensor:
    """Voxels int32 [N, 4] of logits [B, 1, R, R, R] above 0, in ascending order.

    Raises EmptyStructureError where a batch entry has none.
    """
    occupied = logits[:, 0] > 0
    empty = torch.nonzero(~occupied.flatten(1).any(dim=1)).flatten().tolist()
    if empty:
        best = logits[empty].flatten(1).amax(dim=1).tolist()
        raise EmptyStructureError(
            f"no voxel of batch entries {empty} is occupied (largest logits {best}): "
            "the mask may show too little of the object; try another seed or mask"
        )
    return torch.argwhere(occupied).int()


def prune_interior(coords: Tensor) -> Tensor:
    """The voxels int32 [N, 4] of which some of the 26 neighbours is empty, in the given order.

    Beyond the grid all is empty. Raises EmptyStructureError without voxels.
    """
    _refuse_empty(coords)
    batch, *size = (coords.amax(dim=0) + 1).tolist()
    index = coords.long().unbind(dim=1)
    grid = torch.zeros(batch, *size, device=coords.device)
    grid[index] = 1
    # The smallest of 27 neighbours; the pool's own padding would not count as empty.
    least = -functional.max_pool3d(-functional.pad(grid, (1,) * 6)[:, None], 3, stride=1)
    return coords[least[:, 0][index] == 0]


def fit_voxels(coords: Tensor, max_voxels: int, generator: torch.Generator | None = None) -> FittedVoxels:
    """Voxels int32 [N, 4] of one object, shrunk to half their size about their centre if more than `max_voxels`.

    What is still too many is thinned by the generator's draw; None takes torch's global one. Raises EmptyStructureError
    without voxels, ValueError for voxels of several objects.
    """
    _refuse_empty(coords)
    if (coords[:, 0] != coords[0, 0]).any():
        raise ValueError(f"voxels of batch entries {coords[:, 0].unique().tolist()}; fit one object at a time")
    centre = (coords[:, 1:].amin(dim=0) + coords[:, 1:].amax(dim=0)) / 2
    if len(coords) <= max_voxels:
        return FittedVoxels(coords, 1, centre)
    shrunk = _halve(coords)
    if len(shrunk) > max_voxels:
        device = coords.device if generator is None else generator.device
        drawn = torch.randperm(len(shrunk), generator=generator, device=device)[:max_voxels]
        shrunk = shrunk[drawn.to(coords.device)]
    return FittedVoxels(shrunk, 2, centre)


def _halve(coords: Tensor) -> Tensor:
    """Half the extent of voxels about the centre of their box; each that remains once, in ascending order.

    An axis along which all voxels have one coordinate keeps it: one layer cannot be halved.
    """
    xyz = coords[:, 1:].float()  # [N, 3]
    low, high = xyz.amin(dim=0), xyz.amax(dim=0)
    size = high - low + 1
    target = size / 2
    new_low = low + (size - target) / 2
    share = (xyz - low) / (high - low).clamp(min=1)
    moved = torch.round(share * (target - 1) + new_low)  # half to even
    moved = moved.clamp(new_low.trunc(), (new_low + target - 1).trunc())
    moved = torch.where(high > low, moved, xyz)
    return torch.unique(torch.cat([coords[:, :1], moved.to(coords.dtype)], dim=1), dim=0)


def _refuse_empty(coords: Tensor) -> None:
    if len(coords) == 0:
        raise EmptyStructureError("no voxels: the structure is empty; try another seed or mask")
