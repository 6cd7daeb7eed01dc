"""Which numbers of a batch belong to which object: in dense latents, and in those on voxels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from ...model.sparse import Voxels


class Rows(Protocol):
    """How a latent of a batch lies in its tensor."""

    def spread(self, values: Tensor, /) -> Tensor:
        """Values [B] of objects, so that they broadcast against a latent."""

    def means(self, numbers: Tensor, /) -> Tensor:
        """Means [B] over all numbers of each object, of a tensor like a latent."""


@dataclass(frozen=True, slots=True)
class DenseRows:
    """Latents [B, L, C]."""

    def spread(self, values: Tensor, /) -> Tensor:
        """[B, 1, 1]."""
        return values[:, None, None]

    def means(self, numbers: Tensor, /) -> Tensor:
        """Over L and C."""
        return numbers.flatten(1).mean(dim=1)


@dataclass(frozen=True, slots=True, eq=False)
class VoxelRows:
    """Latents [N, C] on the voxels of B objects, each of which weighs the same whatever its voxels."""

    voxels: Voxels

    def spread(self, values: Tensor, /) -> Tensor:
        """[N, 1]."""
        return values.index_select(0, self.voxels.coords[:, 0])[:, None]

    def means(self, numbers: Tensor, /) -> Tensor:
        """Over the voxels of an object and C."""
        sums = numbers.new_zeros(self.voxels.objects).index_add(0, self.voxels.coords[:, 0], numbers.mean(dim=1))
        return sums / sums.new_tensor(self.voxels.counts)


DENSE = DenseRows()
