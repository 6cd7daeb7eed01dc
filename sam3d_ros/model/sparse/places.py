"""Places of voxels as single numbers, which sort and compare fast."""

from __future__ import annotations

import torch
from torch import Tensor


def extents_of(coords: Tensor, margin: int = 0) -> tuple[int, int, int]:
    """Cells along x, y, z of a grid for coords [N, 4] (object, x, y, z), with `margin` free cells on each side."""
    x, y, z = (coords[:, 1:].amax(dim=0) + 1 + 2 * margin).tolist()
    return x, y, z


def encode(coords: Tensor, extents: tuple[int, int, int], margin: int = 0) -> Tensor:
    """Number [N] of each place: rows sorted by it are sorted by object, then x, y, z."""
    obj, x, y, z = coords.long().unbind(dim=1)
    return ((obj * extents[0] + x + margin) * extents[1] + y + margin) * extents[2] + z + margin


def decode(codes: Tensor, extents: tuple[int, int, int]) -> Tensor:
    """Coordinates [N, 4] of place numbers made without margin."""
    columns = []
    for extent in reversed(extents):
        columns.append(codes % extent)
        codes = codes // extent
    return torch.stack([codes, *reversed(columns)], dim=1).int()
