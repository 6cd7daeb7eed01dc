"""Features on voxels."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .voxels import Voxels


@dataclass(frozen=True, slots=True)
class SparseTensor:
    """Features at the occupied voxels of one or several objects; everywhere else there is nothing (zero)."""

    voxels: Voxels
    features: Tensor  # [N, C]

    def __post_init__(self) -> None:
        if self.features.ndim != 2 or len(self.features) != len(self.voxels):
            raise ValueError(f"features {tuple(self.features.shape)} for {len(self.voxels)} voxels")

    @classmethod
    def of(cls, coords: Tensor, features: Tensor, objects: int | None = None) -> SparseTensor:
        """Features [N, C] at coords [N, 4] (object, x, y, z), sorted by object."""
        return cls(Voxels(coords, objects), features)

    @property
    def coords(self) -> Tensor:
        """Object, x, y, z of each row, int32 [N, 4]."""
        return self.voxels.coords

    def replace(self, features: Tensor) -> SparseTensor:
        """Other features [N, C'] at the same voxels."""
        return SparseTensor(self.voxels, features)

    def per_object(self) -> list[tuple[Tensor, Tensor]]:
        """Places [n, 3] (x, y, z) and features [n, C] of each object."""
        counts = self.voxels.counts
        return list(zip(self.coords[:, 1:].split(counts), self.features.split(counts), strict=True))
