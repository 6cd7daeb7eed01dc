"""Cutting, padding and resizing of images [C, H, W]."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import interpolate, pad

from .boxes import Box


def crop(image: Tensor, box: Box, *, fill: float = 0.0) -> Tensor:
    """The part of an image [C, H, W] inside the box; `fill` where the box reaches beyond the image."""
    height, width = image.shape[-2:]
    return pad(image, (-box.left, box.right - width, -box.top, box.bottom - height), value=fill)


def pad_to_square(image: Tensor, *, fill: float = 0.0) -> Tensor:
    """The image [C, H, W] in the middle of a square; of an odd rest the larger half lies right and below."""
    height, width = image.shape[-2:]
    side = max(height, width)
    left, top = (side - width) // 2, (side - height) // 2
    return pad(image, (left, side - width - left, top, side - height - top), value=fill)


def resize_nearest(image: Tensor, height: int, width: int) -> Tensor:
    """An image [C, H, W] at [C, height, width]: row i is the old row floor(i H / height); for masks and pointmaps."""
    return interpolate(image[None], (height, width), mode="nearest")[0]


def resize_colour(image: Tensor, size: int) -> Tensor:
    """An image [3, H, W] at [3, size, size], bilinear and antialiased: what torchvision does to float images."""
    return interpolate(image[None], (size, size), mode="bilinear", align_corners=False, antialias=True)[0]
