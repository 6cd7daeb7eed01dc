"""Views as in a mirror: twice the data for one flip along the cube's x."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

MIRROR = "mirror"  # [B] bool: which samples of a batch
_PICTURES = ("image", "mask", "rgb_image", "rgb_image_mask")  # [B, C, H, W]
_POINTMAPS = ("pointmap", "rgb_pointmap")  # [B, 3, H, W]
_VOLUMES = ("observed", "occupancy", "distance")  # [B, x, y, z]


def mirrored(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The batch with its chosen samples flipped; their layout counts as unknown, as no turn is a mirror."""
    made = dict(batch)
    chosen = made.pop(MIRROR, None)
    if chosen is None or not bool(chosen.any()):
        return made
    for name in _PICTURES:
        made[name] = _flipped(made[name], chosen, 3)
    for name in _POINTMAPS:
        flipped = _flipped(made[name], chosen, 3)
        flipped[:, 0] = torch.where(chosen[:, None, None], -flipped[:, 0], flipped[:, 0])
        made[name] = flipped
    for name in _VOLUMES:
        made[name] = _flipped(made[name], chosen, 1)
    made["layout_known"] = torch.where(chosen, 0.0, made["layout_known"].float())
    return made


def _flipped(x: Tensor, chosen: Tensor, dim: int) -> Tensor:
    """`x` [B, ...] with the chosen rows flipped along a dimension."""
    answer = x.clone()
    answer[chosen] = x[chosen].flip(dim)
    return answer
