"""Colour, depth and label images from files, with errors that name the file and the way out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# A 16-bit grey PNG: Pillow says "I;16" (by byte order "I;16B"), older releases say "I".
_SIXTEEN_BIT_MODES = ("I;16", "I;16B", "I;16L", "I")


class FrameFolderError(ValueError):
    """A frame folder that cannot be read: the message names file, offending value and remedy."""


def read_color(path: Path) -> NDArray[np.uint8]:
    """Colour image [H, W, 3] sRGB; grey is repeated over the channels, a transparency channel is dropped."""
    image = _open(path)
    if image.mode in _SIXTEEN_BIT_MODES or image.mode == "F":
        raise FrameFolderError(
            f"{path}: mode {image.mode} is not an 8-bit colour image (is it the depth?); store colour as 8-bit sRGB"
        )
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"), np.uint8)


def read_depth_mm(path: Path) -> NDArray[np.uint16]:
    """Depth image [H, W] in millimetres, 0 = no reading."""
    image = _open(path)
    if image.mode not in _SIXTEEN_BIT_MODES:
        raise FrameFolderError(
            f"{path}: mode {image.mode} is not a 16-bit grey image; store depth as 16-bit PNG in millimetres "
            "(8-bit or coloured files are previews and hold no metres)"
        )
    depth_mm = np.asarray(image)
    if depth_mm.min() < 0 or depth_mm.max() > 65535:
        raise FrameFolderError(f"{path}: values {depth_mm.min()}..{depth_mm.max()} do not fit into 16 bit")
    return depth_mm.astype(np.uint16)


def read_labels(path: Path) -> NDArray[np.int32]:
    """Label image [H, W], 0 = background; a palette image gives its indices."""
    image = _open(path)
    pixels = np.asarray(image)
    if image.mode in ("1", "L", "P", *_SIXTEEN_BIT_MODES):
        return pixels.astype(np.int32)
    if image.mode == "RGB" and (pixels == pixels[..., :1]).all():
        return pixels[..., 0].astype(np.int32)
    raise FrameFolderError(
        f"{path}: mode {image.mode} is not a label image; store one number per instance in an 8- or 16-bit grey "
        "or palette PNG (0 = background), not colours or transparency"
    )


def write_labels(path: Path, labels: NDArray[np.int32]) -> None:
    """Write a label image as 8-bit PNG, or 16-bit where a label needs it; raises FrameFolderError beyond 65535."""
    if labels.min(initial=0) < 0 or labels.max(initial=0) > 65535:
        raise FrameFolderError(f"{path}: labels {labels.min()}..{labels.max()} do not fit into 16 bit; renumber them")
    dtype = np.uint8 if labels.max(initial=0) < 256 else np.uint16
    Image.fromarray(labels.astype(dtype)).save(path)


def _open(path: Path) -> Image.Image:
    try:
        image = Image.open(path)
        image.load()
    except FileNotFoundError as error:
        raise FrameFolderError(f"{path}: no such file") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FrameFolderError(f"{path}: not a readable image ({error}); write it again") from error
    return image
