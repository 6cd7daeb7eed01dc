"""Group norm over the voxels of each object."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .chunks import ROWS, by_rows
from .tensor import SparseTensor


class GroupNorm(nn.Module):
    """Normalises groups of channels by mean and variance over all voxels of an object, in float32.

    The statistics need the whole object, so no part of it can be normalised on its own; the arithmetic runs over
    chunks of rows.
    """

    def __init__(self, groups: int, width: int, *, eps: float = 1e-5) -> None:
        super().__init__()
        self.groups, self.eps = groups, eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Features [N, C] in their own dtype."""
        parts = [self._normalised(rows) for rows in x.features.split(x.voxels.counts)]
        return x.replace(parts[0] if len(parts) == 1 else torch.cat(parts))

    def _normalised(self, features: Tensor) -> Tensor:
        mean, factor = self._statistics(features)
        return by_rows(lambda rows: torch.addcmul(self.bias, rows.float() - mean, factor).to(rows.dtype), features)

    def _statistics(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Mean [C] of features [n, C], and the factor [C] that what lies around it is multiplied by; float32."""
        chunks = features.split(ROWS)
        mean = self._grouped(sum(rows.sum(dim=0, dtype=torch.float32) for rows in chunks) / len(features))
        variance = self._grouped(sum((rows.float() - mean).square().sum(dim=0) for rows in chunks) / len(features))
        return mean, self.weight * torch.rsqrt(variance + self.eps)

    def _grouped(self, per_channel: Tensor) -> Tensor:
        """Mean over the channels of each group, at each channel of it [C]."""
        mean = per_channel.view(self.groups, -1).mean(dim=1, keepdim=True)
        return mean.expand(-1, len(per_channel) // self.groups).flatten()
