"""Where the Gaussians of a voxel start before anything is learnt."""

from __future__ import annotations

import torch
from torch import Tensor


def spread_offsets(count: int, reach: float) -> Tensor:
    """Raw offsets [count, 3] whose tanh, times `reach` half voxels, spreads points evenly in the voxel (Hammersley)."""
    points = [(i / count, _radical_inverse(i, 2), _radical_inverse(i, 3)) for i in range(count)]
    return torch.atanh((2 * torch.tensor(points) - 1) / reach)


def _radical_inverse(number: int, base: int) -> float:
    """The digits of a number, mirrored at the point."""
    value, place = 0.0, 1.0
    while number:
        number, digit = divmod(number, base)
        place /= base
        value += digit * place
    return value
