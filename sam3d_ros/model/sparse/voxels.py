"""Occupied voxels of one or several objects, with everything that depends on their places alone."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from .neighbours import Neighbours, find_neighbours, neighbours_of_children
from .places import decode, encode, extents_of
from .windows import Windows, group_windows

# Offsets of the eight children in their parent's cube, z fastest.
CHILDREN = tuple((x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1))


class Voxels:
    """Places of voxels. Features lie beside them in the same row order, the rows of one object next to each other.

    Neighbours, windows and the halved grid are found once and kept: all layers at one resolution share one instance.
    """

    def __init__(self, coords: Tensor, objects: int | None = None, *, parents: Voxels | None = None) -> None:
        """Voxels at coords [N, 4]: object, x, y, z, whole numbers from 0 on, each place once, sorted by object.

        Without `objects` the highest object number tells how many there are. `parents` are the voxels whose
        children these are (`subdivided`). Raises ValueError for other forms and for an object without voxels.
        """
        self.coords = _checked(coords)  # [N, 4] int32: object, x, y, z
        self.counts = _counts(self.coords, objects)
        self._parents = parents
        self._windows: dict[tuple[int, int], Windows] = {}

    def __len__(self) -> int:
        return len(self.coords)

    @property
    def objects(self) -> int:
        """Number of objects."""
        return len(self.counts)

    @cached_property
    def neighbours(self) -> Neighbours:
        """Pairs of voxels that touch."""
        if self._parents is not None:
            return neighbours_of_children(self._parents.neighbours)
        return find_neighbours(self.coords)

    @cached_property
    def halved(self) -> tuple[Voxels, Tensor]:
        """Voxels of the grid of half the resolution, sorted by place, and the row there [N] of each voxel here."""
        coords = torch.cat([self.coords[:, :1], self.coords[:, 1:] // 2], dim=1)
        extents = extents_of(coords)
        places, rows = torch.unique(encode(coords, extents), return_inverse=True)
        return Voxels(decode(places, extents), self.objects), rows

    def subdivided(self) -> Voxels:
        """The eight children of every voxel, on the grid of twice the resolution: row 8 i + 4 x + 2 y + z."""
        offsets = torch.tensor([(0, *child) for child in CHILDREN], dtype=torch.int32, device=self.coords.device)
        doubled = torch.cat([self.coords[:, :1], self.coords[:, 1:] * 2], dim=1)
        coords = (doubled[:, None] + offsets).flatten(0, 1)  # [8N, 4]
        return Voxels(coords, self.objects, parents=self)

    def windows(self, edge: int, shift: int) -> Windows:
        """Voxels grouped by the cube of `edge` voxels into which each falls once `shift` is added to its place."""
        if (edge, shift) not in self._windows:
            self._windows[edge, shift] = group_windows(self.coords, edge, shift)
        return self._windows[edge, shift]

    def spread(self, values: Tensor) -> Tensor:
        """A row per voxel [N, C] of values per object [B, C]; with one object its single row, which broadcasts."""
        return values if self.objects == 1 else values.index_select(0, self.coords[:, 0])


def _checked(coords: Tensor) -> Tensor:
    if coords.ndim != 2 or coords.shape[1] != 4 or coords.is_floating_point():
        raise ValueError(f"voxel coordinates must be whole numbers [N, 4], not {coords.dtype} {tuple(coords.shape)}")
    if len(coords) == 0:
        raise ValueError("no voxels at all: refuse an empty object before it comes to the sparse networks")
    if int(coords.amin()) < 0:
        raise ValueError(f"voxel coordinates must not be negative; the lowest is {int(coords.amin())}")
    return coords.int()


def _counts(coords: Tensor, objects: int | None) -> tuple[int, ...]:
    """Number of voxels of each object."""
    index = coords[:, 0]
    if bool((index[1:] < index[:-1]).any()):
        raise ValueError("voxels must be sorted by object: the rows of one object lie next to each other")
    counts = torch.bincount(index, minlength=objects or 0).tolist()
    if len(counts) != (objects or len(counts)) or 0 in counts:
        raise ValueError(f"expected voxels for {objects or len(counts)} objects, got {counts} voxels per object")
    return tuple(counts)
