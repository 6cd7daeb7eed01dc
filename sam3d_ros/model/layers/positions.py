"""The fixed position code of voxels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def sinusoidal_positions(coords: Tensor, width: int) -> Tensor:
    """Position code [..., width] float32 of coordinates [..., 3].

    For each axis in turn the sines and then the cosines at width // 6 frequencies, from 1 down to nearly 1 / 10000;
    zeros fill what is left (1024 = 3 * 340 + 4). Raises ValueError where the width has no room for one frequency.
    """
    count = width // 6
    if count == 0:
        raise ValueError(f"a width of {width} has no room for a position code of three axes; take 6 or more")
    exponents = torch.arange(count, dtype=torch.float32, device=coords.device) / count
    angles = coords.float()[..., None] / 10_000**exponents  # [..., 3, count]
    code = torch.cat([angles.sin(), angles.cos()], dim=-1).flatten(-2)  # [..., 6 * count]
    return functional.pad(code, (0, width - code.shape[-1]))
