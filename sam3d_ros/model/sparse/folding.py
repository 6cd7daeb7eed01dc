"""A 3x3x3 convolution on the children of voxels, folded onto the voxels themselves."""

from __future__ import annotations

import torch
from torch import Tensor

from .kernel import Rule
from .neighbours import OFFSETS, Neighbours

# Along one axis a parent at step -1 reaches child 0 with the first tap of the kernel, a parent at step 1 child 1 with
# the last; the parent itself child 0 with the last two and child 1 with the first two. In this order they are folded.
_CHILDREN = {-1: (0,), 0: (0, 1), 1: (1,)}
_FOLDED = {-1: slice(0, 1), 0: slice(1, 3), 1: slice(3, 4)}


def fold_weights(weight: Tensor) -> list[Tensor]:
    """For each of the 27 OFFSETS to a parent the weights [Cin, k*Cout] with which it enters the k children it reaches.

    `weight` is [Cout, 3, 3, 3, Cin]. Sums are formed in float32 or better and returned in the weight's dtype.
    """
    folded = weight.to(torch.promote_types(weight.dtype, torch.float32))
    for axis in (1, 2, 3):
        first, middle, last = folded.split(1, dim=axis)
        folded = torch.cat([first, middle + last, first + middle, last], dim=axis)
    folded = folded.to(weight.dtype).permute(1, 2, 3, 0, 4)  # [4, 4, 4, Cout, Cin]
    spans = (tuple(_FOLDED[step] for step in offset) for offset in OFFSETS)
    return [folded[span].flatten(0, 3).T for span in spans]


def children_rules(parents: Neighbours) -> list[Rule]:
    """For each of the 27 OFFSETS the parents there and the rows (8 i + number) [P, k] of the children they reach."""
    return [
        Rule(pairs.source, 8 * pairs.target[:, None] + _reached(offset, pairs.target))
        for offset, pairs in zip(OFFSETS, parents, strict=True)
    ]


def _reached(offset: tuple[int, ...], like: Tensor) -> Tensor:
    """Numbers [k] of the children that a parent at this offset reaches, z fastest."""
    xs, ys, zs = (_CHILDREN[step] for step in offset)
    numbers = [4 * x + 2 * y + z for x in xs for y in ys for z in zs]
    return torch.tensor(numbers, dtype=like.dtype, device=like.device)
