"""Flow matching: between noise at t = 0 and data at t = 1."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from .rows import DENSE, Rows


def interpolate(
    data: Mapping[str, Tensor], noise: Mapping[str, Tensor], t: Tensor, rows: Rows = DENSE
) -> dict[str, Tensor]:
    """(1 - t) noise + t data of latents at times [B]."""
    share = rows.spread(t)
    return {name: (1 - share) * noise[name] + share * clean for name, clean in data.items()}


def squared_error(answer: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference [B] of each batch entry."""
    return (answer.float() - target).square().flatten(1).mean(dim=1)
