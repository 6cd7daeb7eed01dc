"""Inputs of a model that works in a cube aligned with the view: pointmaps are in units of the cube."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

_REACH = 2.0  # edges of the cube from its centre, beyond which it does not matter how far a point is


class ViewInputs(NamedTuple):
    """One picture of each object, of equal height and width."""

    image: Tensor  # [B, 3, S, S] with values 0-1
    mask: Tensor  # [B, 1, S, S] 0 or 1
    pointmap: Tensor  # [B, 3, S, S] cube coordinates, NaN where nothing was measured


def camera_points(depth: Tensor, intrinsics: Tensor) -> Tensor:
    """Points [B, 3, H, W] in the optical frame of depth [B, H, W] (metres along z), NaN where it is 0.

    `intrinsics` [B, 4] are fx, fy, cx, cy.
    """
    height, width = depth.shape[1:]
    fx, fy, cx, cy = (k[:, None, None] for k in intrinsics.unbind(dim=1))
    u = torch.arange(width, device=depth.device, dtype=depth.dtype)[None, None]
    v = torch.arange(height, device=depth.device, dtype=depth.dtype)[None, :, None]
    z = torch.where(depth > 0, depth, torch.nan)
    return torch.stack([(u - cx) / fx * z, (v - cy) / fy * z, z], dim=1)


def view_inputs(image: Tensor, mask: Tensor, p_cube: Tensor, *, size: int) -> ViewInputs:
    """Pictures of any shape [B, C, H, W] padded to squares and resized: colours averaged, the others by nearest pixel.

    Points far outside of the cube are brought to its surroundings, so that a distant wall does not outweigh the object.
    """
    square = (size, size)
    colour = functional.interpolate(_squared(image, 0.0), square, mode="bilinear", antialias=True)
    near = p_cube.clamp(-_REACH, _REACH)  # NaN stays NaN
    return ViewInputs(
        colour.clamp(0, 1),
        functional.interpolate(_squared(mask, 0.0), square, mode="nearest"),
        functional.interpolate(_squared(near, torch.nan), square, mode="nearest"),
    )


def _squared(x: Tensor, fill: float) -> Tensor:
    """Padded in the middle to the longer side."""
    height, width = x.shape[-2:]
    missing = abs(height - width)
    first, last = missing // 2, missing - missing // 2
    sides = (0, 0, first, last) if height < width else (first, last, 0, 0)
    return functional.pad(x, sides, value=fill) if missing else x
