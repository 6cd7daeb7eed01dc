"""Pictures of one object out of a full frame, as training makes them: a square around it, and the whole coarsely."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from .boxes import PreprocessError
from .object_view import Picture

CROP = 160  # pixels, side of the square around an object
FRAME = 640  # pixels, width of the frame at whose resolution the square is cut at most
COARSE = 80  # pixels, width of the coarse picture of a frame
ROOM = 1.3  # least side of the square, in sizes of the object


class Window(NamedTuple):
    """A square of a frame, in whole pixels; may reach over its border."""

    left: int
    top: int
    side: int


def object_window(mask: Tensor) -> Window:
    """The square around a mask [H, W]. Raises PreprocessError for a mask without pixels."""
    rows, columns = (mask.any(dim=axis).nonzero()[:, 0] for axis in (1, 0))
    if not len(rows):
        raise PreprocessError("the mask is empty: no pixel differs from 0")
    (top, bottom), (left, right) = ((int(line[0]), int(line[-1])) for line in (rows, columns))
    extent = max(right - left, bottom - top)
    side = max(math.ceil(CROP * mask.shape[1] / FRAME), math.ceil(ROOM * extent))
    return Window(math.floor((left + right - side) / 2), math.floor((top + bottom - side) / 2), side)


def crop_picture(frame: Picture, window: Window) -> Picture:
    """The window of frames [B, ..., H, W] at 160 x 160 pixels; outside of the frame nothing was measured, in black."""
    height, width = frame.mask.shape[1:]
    sides = (-window.left, window.left + window.side - width, -window.top, window.top + window.side - height)
    cut = [functional.pad(x, sides) for x in (frame.color, frame.depth, frame.mask)]
    shifted = frame.intrinsics - frame.intrinsics.new_tensor([0, 0, window.left, window.top])
    return _resized(Picture(cut[0], cut[1], cut[2], shifted), CROP, CROP)


def coarse_picture(frame: Picture, color: Tensor) -> Picture:
    """Whole frames in few pixels. `color` is from `coarse_color`, which the objects of a frame share.

    A pixel belongs to a mask that has any pixel in it.
    """
    height, width = color.shape[2:]
    resized = _resized(Picture(color, frame.depth, frame.mask, frame.intrinsics), height, width)
    hit = torch.nonzero(frame.mask)  # [N, 3] object, row, column
    sizes = torch.tensor([height, width], device=hit.device) / torch.tensor(frame.mask.shape[1:], device=hit.device)
    cells = ((hit[:, 1:] + 0.5) * sizes - 0.5).round().long()
    mask = torch.zeros_like(resized.mask)
    mask[hit[:, 0], cells[:, 0].clamp(0, height - 1), cells[:, 1].clamp(0, width - 1)] = True
    return Picture(color, resized.depth, mask, resized.intrinsics)


def coarse_color(color: Tensor) -> Tensor:
    """Colours [B, 3, H, W] of frames at 80 pixels of width."""
    height, width = color.shape[2:]
    size = (max(1, round(COARSE * height / width)), COARSE)
    return functional.interpolate(color, size, mode="bilinear", antialias=True).clamp(0, 1)


def _resized(picture: Picture, height: int, width: int) -> Picture:
    """With another number of pixels: colours averaged where they are not of it already, the rest by nearest pixel."""
    old = picture.mask.shape[1:]
    rows, columns = _nearest(old[0], height, picture.mask), _nearest(old[1], width, picture.mask)
    color = picture.color
    if color.shape[2:] != (height, width):
        color = functional.interpolate(color, (height, width), mode="bilinear", antialias=True).clamp(0, 1)
    depth, mask = (x[:, rows[:, None], columns] for x in (picture.depth, picture.mask))
    scale = picture.intrinsics.new_tensor([width / old[1], height / old[0]]).repeat(2)
    half = picture.intrinsics.new_tensor([0, 0, 0.5, 0.5])
    return Picture(color, depth, mask, (picture.intrinsics + half) * scale - half)


def _nearest(old: int, new: int, like: Tensor) -> Tensor:
    """For each of `new` pixels the one of `old` pixels that lies under its centre."""
    return ((torch.arange(new, device=like.device) + 0.5) * (old / new)).floor().long().clamp(max=old - 1)
