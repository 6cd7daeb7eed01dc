"""A 3x3x3 convolution on the children of voxels, folded onto the voxels themselves."""

from __future__ import annotations

import torch
from torch import Tensor

from .kernel import Rule
from .neighbours import OFFSETS, Neighbours

# Along one axis, by the step to a neighbouring parent: which children it reaches, and (a row for each of them) which of
# the kernel's three taps fall into that parent.
_CHILDREN = {-1: (0,), 0: (0, 1), 1: (1,)}
_TAPS = {-1: ((1, 0, 0),), 0: ((0, 1, 1), (1, 1, 0)), 1: ((0, 0, 1),)}


def fold_weights(weight: Tensor) -> list[Tensor]:
    """For each of the 27 OFFSETS to a parent the weights [Cin, k*Cout] with which it enters the k children it reaches.

    `weight` is [Cout, 3, 3, 3, Cin]. Sums are formed in float32 and returned in the weight's dtype.
    """
    taps = {step: torch.tensor(rows, dtype=torch.float32, device=weight.device) for step, rows in _TAPS.items()}
    whole = weight.float()
    return [
        torch.einsum("xu,yv,zw,ouvwi->ixyzo", *(taps[step] for step in offset), whole).flatten(1).to(weight.dtype)
        for offset in OFFSETS
    ]


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
