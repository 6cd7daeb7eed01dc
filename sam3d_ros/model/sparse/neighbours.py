"""Which voxels touch which: the pairs that a 3x3x3 convolution adds up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from .places import encode, extents_of

# Steps (x, y, z) to the 27 cells around and at a voxel, z fastest; number 26 - o is the opposite of number o.
OFFSETS = tuple(product((-1, 0, 1), repeat=3))
_CENTRE = 13


class Pairs(NamedTuple):
    """Rows of voxels at a fixed step from each other."""

    source: Tensor  # [P] int32, the voxel at target + step
    target: Tensor  # [P] int32

    def reversed(self) -> Pairs:
        """The same pairs for the opposite step."""
        return Pairs(self.target, self.source)


class Neighbours:
    """Pairs of voxels for each of the 27 OFFSETS, of which half are kept: the others are the same, reversed."""

    def __init__(self, first: Sequence[Pairs], voxels: int) -> None:
        """`first` are the pairs of the first 13 offsets among a number of voxels."""
        rows = torch.arange(voxels, dtype=torch.int32, device=first[0].source.device)
        self._half = (*first, Pairs(rows, rows))
        self.voxels = voxels

    def __iter__(self) -> Iterator[Pairs]:
        """In the order of OFFSETS."""
        return (self.at(offset) for offset in OFFSETS)

    @cached_property
    def table(self) -> Tensor:
        """Rows [N, 27] of the neighbours of each voxel in the order of OFFSETS, N where there is none; int32."""
        table = self._half[0].source.new_full((len(OFFSETS), self.voxels), self.voxels)
        for row, pairs in zip(table, self, strict=True):
            row[pairs.target.long()] = pairs.source
        return table.T.contiguous()

    def at(self, step: tuple[int, ...]) -> Pairs:
        """Pairs a step (-1, 0 or 1 along x, y, z) apart."""
        number = 9 * step[0] + 3 * step[1] + step[2] + _CENTRE
        return self._half[number] if number <= _CENTRE else self._half[2 * _CENTRE - number].reversed()


def find_neighbours(coords: Tensor) -> Neighbours:
    """Neighbours among voxels at coords [N, 4] (object, x, y, z), by search in the sorted places.

    Raises ValueError for a place that is listed twice.
    """
    extents = extents_of(coords, margin=1)
    codes, order = encode(coords, extents, margin=1).sort()
    again = (codes[1:] == codes[:-1]).nonzero()
    if len(again):
        raise ValueError(f"the voxel (object, x, y, z) {coords[order[again[0, 0]]].tolist()} is listed twice")
    return Neighbours(
        [_pairs_at(codes, order.int(), _code_of(step, extents)) for step in OFFSETS[:_CENTRE]], len(coords)
    )


def neighbours_of_children(parents: Neighbours) -> Neighbours:
    """Neighbours among the children of voxels (row 8 i + 4 x + 2 y + z), without a search."""
    return Neighbours([_child_pairs(parents, step) for step in OFFSETS[:_CENTRE]], 8 * parents.voxels)


def _code_of(step: tuple[int, ...], extents: tuple[int, int, int]) -> int:
    return (step[0] * extents[1] + step[1]) * extents[2] + step[2]


def _pairs_at(codes: Tensor, order: Tensor, step: int) -> Pairs:
    """Pairs a step apart; codes [N] are sorted places, order [N] their rows."""
    wanted = codes + step
    found = torch.searchsorted(codes, wanted).clamp_(max=len(codes) - 1)
    hit = (codes[found] == wanted).nonzero().squeeze(1)
    return Pairs(order[found[hit]], order[hit])


def _child_pairs(parents: Neighbours, step: tuple[int, ...]) -> Pairs:
    """Pairs of children a step apart: each of the eight has its neighbour in one fixed cell around its parent."""
    pieces = []
    for child in product((0, 1), repeat=3):
        x, y, z = (c + s for c, s in zip(child, step, strict=True))
        pairs = parents.at((x // 2, y // 2, z // 2))
        pieces.append(Pairs(8 * pairs.source + _number(x % 2, y % 2, z % 2), 8 * pairs.target + _number(*child)))
    return Pairs(torch.cat([piece.source for piece in pieces]), torch.cat([piece.target for piece in pieces]))


def _number(x: int, y: int, z: int) -> int:
    return 4 * x + 2 * y + z
