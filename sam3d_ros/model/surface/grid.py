"""Sets of points and cubes of a large grid as sorted lists of integer keys: memory grows with the set, not the grid."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .cases import CORNERS, Triple


@dataclass(frozen=True, slots=True)
class KeySpace:
    """Keys of a grid of `resolution` cubes an edge, ordered as (x, y, z) with z fastest.

    A cube has the key of its lowest corner. Coordinates reach from -1 to resolution, so that one step from a cube of
    the grid never wraps around to the other side.
    """

    resolution: int

    @property
    def size(self) -> int:
        """Coordinates along an edge; all keys are below its cube."""
        return self.resolution + 2

    @property
    def strides(self) -> Triple:
        """What one step along each axis adds to a key."""
        return self.size**2, self.size, 1

    def shift(self, step: Triple) -> int:
        """What a step [3] adds to a key."""
        return sum(stride * count for stride, count in zip(self.strides, step, strict=True))

    def encode(self, coordinates: torch.Tensor) -> torch.Tensor:
        """Keys [N] int64 of integer coordinates [N, 3]."""
        x, y, z = (column.long() + 1 for column in coordinates.unbind(1))
        return x * self.strides[0] + y * self.strides[1] + z

    def decode(self, keys: torch.Tensor) -> torch.Tensor:
        """Integer coordinates [N, 3] of keys [N]."""
        x, y, z = keys // self.size**2, keys // self.size % self.size, keys % self.size
        return torch.stack((x, y, z), dim=1) - 1

    def holds_cubes(self, keys: torch.Tensor) -> torch.Tensor:
        """Which of the keys [N] are those of cubes of the grid."""
        coordinates = self.decode(keys)
        return ((coordinates >= 0) & (coordinates < self.resolution)).all(dim=1)

    def corners_of(self, cubes: torch.Tensor) -> torch.Tensor:
        """All corners of the cubes [N], each once, sorted."""
        for stride in self.strides:
            cubes = torch.unique(torch.cat((cubes, cubes + stride)))
        return cubes

    def cubes_at(self, points: torch.Tensor) -> torch.Tensor:
        """All cubes of the grid that touch one of the points [N], each once, sorted."""
        for stride in self.strides:
            points = torch.unique(torch.cat((points, points - stride)))
        return points[self.holds_cubes(points)]

    def corner_shifts(self) -> list[int]:
        """What to add to a cube's key for the keys of its eight corners."""
        return [self.shift(corner) for corner in CORNERS]


def find(keys: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows [M] of the wanted keys [M] in sorted keys [N], and whether they are there [M]; if not, the row is any.

    There must be at least one key.
    """
    rows = torch.searchsorted(keys, wanted).clamp_(max=len(keys) - 1)
    return rows, keys[rows] == wanted
