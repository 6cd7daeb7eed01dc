"""Where the crop around an object lies."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class PreprocessError(ValueError):
    """An image, mask or pointmap from which no input of the model can be made; says the value and the limit."""


class Box(NamedTuple):
    """Pixels left <= u < right, top <= v < bottom; may reach beyond the image."""

    left: int
    top: int
    right: int
    bottom: int


def object_box(mask: Tensor, *, factor: float = 1.2) -> Box:
    """Box around the pixels of a mask [..., H, W] that are not 0, `factor` times as large as their longer side.

    The side is the difference of the outermost indices, without the pixel that is missing from it, and every number is
    truncated towards zero: near the left or upper border the box may be a pixel wider than high, or the reverse.
    Raises PreprocessError for an empty mask and for one less than 3 pixels wide or high.
    """
    v, u = torch.nonzero(mask.reshape(mask.shape[-2:]), as_tuple=True)
    if not len(u):
        raise PreprocessError("the mask is empty: no pixel differs from 0")
    left, right, top, bottom = (int(edge) for edge in (u.min(), u.max(), v.min(), v.max()))
    width, height = right - left, bottom - top
    if min(width, height) < 2:
        raise PreprocessError(f"the mask is {width + 1} x {height + 1} pixels; at least 3 x 3 are needed")
    half = int(max(width, height) * factor) // 2
    u_centre, v_centre = (left + right) / 2, (top + bottom) / 2
    return Box(int(u_centre - half), int(v_centre - half), int(u_centre + half), int(v_centre + half))
