"""Raw pixels of sensor_msgs/Image as NumPy arrays; no ROS is needed, any object with the message's fields will do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class InputError(ValueError):
    """A message that cannot be used; the text names the offending value and what to do."""


class ImageMessage(Protocol):
    """The fields of sensor_msgs/Image that are read; `data` is bytes, array.array, a NumPy array or a list."""

    height: Any
    width: Any
    encoding: Any
    is_bigendian: Any
    step: Any
    data: Any


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How one pixel lies in memory."""

    dtype: np.dtype[Any]
    channels: int
    order: tuple[int, ...] = ()  # channel that holds red, green, blue; empty for single values


_U8, _U16, _S32, _F32 = np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.int32), np.dtype(np.float32)
_RGB, _BGR, _GREY = (0, 1, 2), (2, 1, 0), (0, 0, 0)

# The 8UCn names say nothing of the channel order; OpenCV, which made them, has blue first.
COLOR_LAYOUTS = {
    "rgb8": PixelLayout(_U8, 3, _RGB),
    "bgr8": PixelLayout(_U8, 3, _BGR),
    "rgba8": PixelLayout(_U8, 4, _RGB),
    "bgra8": PixelLayout(_U8, 4, _BGR),
    "mono8": PixelLayout(_U8, 1, _GREY),
    "8UC1": PixelLayout(_U8, 1, _GREY),
    "8UC3": PixelLayout(_U8, 3, _BGR),
    "8UC4": PixelLayout(_U8, 4, _BGR),
}
DEPTH_LAYOUTS = {"16UC1": PixelLayout(_U16, 1), "mono16": PixelLayout(_U16, 1), "32FC1": PixelLayout(_F32, 1)}
MASK_LAYOUTS = {
    "mono8": PixelLayout(_U8, 1),
    "8UC1": PixelLayout(_U8, 1),
    "mono16": PixelLayout(_U16, 1),
    "16UC1": PixelLayout(_U16, 1),
    "32SC1": PixelLayout(_S32, 1),
}


def raw_color(message: ImageMessage) -> NDArray[np.uint8]:
    """RGB colours [H, W, 3]; a view of the message's own memory for rgb8 without padding."""
    layout = layout_of(message.encoding, COLOR_LAYOUTS, what="colour image")
    return to_rgb(_pixels(message, layout), layout.order)


def raw_depth(message: ImageMessage) -> NDArray[np.uint16] | NDArray[np.float32]:
    """Depth [H, W] as sent: uint16 millimetres with 0 = none, or float32 metres; native byte order."""
    layout = layout_of(message.encoding, DEPTH_LAYOUTS, what="depth image")
    depth: NDArray[Any] = np.ascontiguousarray(_pixels(message, layout)[..., 0], layout.dtype)
    return depth


def raw_mask(message: ImageMessage) -> NDArray[np.int32]:
    """Labels [H, W], 0 = background."""
    layout = layout_of(message.encoding, MASK_LAYOUTS, what="mask")
    return to_labels(_pixels(message, layout)[..., 0])


def to_rgb(pixels: NDArray[np.uint8], order: tuple[int, ...]) -> NDArray[np.uint8]:
    """Channels [H, W, C] rearranged to contiguous red, green, blue [H, W, 3]."""
    if order == _RGB and pixels.shape[2] == 3:
        return np.ascontiguousarray(pixels)
    rgb = np.empty((*pixels.shape[:2], 3), np.uint8)
    for target, source in enumerate(order):
        rgb[..., target] = pixels[..., source]
    return rgb


def to_labels(values: NDArray[Any]) -> NDArray[np.int32]:
    """Whole numbers [H, W] as int32 labels; negative ones are refused."""
    labels: NDArray[np.int32] = np.ascontiguousarray(values, np.int32)
    lowest = 0 if values.dtype.kind == "u" and values.dtype.itemsize < 4 else int(labels.min())
    if lowest < 0:
        raise InputError(f"mask holds the negative label {lowest}; 0 is background, instance labels are positive")
    return labels


def layout_of(encoding: str, known: dict[str, PixelLayout], *, what: str) -> PixelLayout:
    """The layout of an encoding, or InputError with what to do instead."""
    layout = known.get(str(encoding))
    if layout is None:
        raise InputError(
            f"{what} has encoding '{encoding}', expected one of {', '.join(known)}{_advice(str(encoding))}"
        )
    return layout


def _advice(encoding: str) -> str:
    if encoding.startswith("bayer"):
        return "; run image_proc to turn Bayer patterns into colour"
    if "yuv" in encoding.lower() or encoding in ("uyvy", "yuyv", "nv12", "nv21"):
        return "; let the camera driver or image_proc convert YUV to rgb8"
    if encoding == "64FC1":
        return "; send depth as 32FC1"
    return ""


def _pixels(message: ImageMessage, layout: PixelLayout) -> NDArray[Any]:
    """View [H, W, C] of the message's bytes, row padding skipped, byte order as declared."""
    height, width, step = int(message.height), int(message.width), int(message.step)
    buffer = as_bytes(message.data)
    _check_size(message, width * layout.channels * layout.dtype.itemsize, buffer.nbytes)
    item = layout.dtype.itemsize
    dtype = layout.dtype.newbyteorder(">" if message.is_bigendian else "<")
    strides = (step, layout.channels * item, item)
    view: NDArray[Any] = np.ndarray((height, width, layout.channels), dtype, buffer.data, strides=strides)
    return view


def as_bytes(data: Any) -> NDArray[np.uint8]:
    """The bytes [N] of a message's data field, without a copy where it offers its memory."""
    if isinstance(data, list | tuple):
        return np.array(data, np.uint8)
    flat: NDArray[np.uint8] = np.frombuffer(data, np.uint8)
    return flat


def _check_size(message: ImageMessage, row_bytes: int, available: int) -> None:
    height, width, step = int(message.height), int(message.width), int(message.step)
    if height < 1 or width < 1:
        raise InputError(f"image has the size {width}x{height}; the camera driver sends empty images")
    if step < row_bytes:
        raise InputError(
            f"image says step {step}, but {width} pixels of {message.encoding} need {row_bytes} bytes a row; "
            "step is the full row length in bytes"
        )
    if available != step * height:
        raise InputError(
            f"image holds {available} bytes, but {height} rows of step {step} are {step * height}; "
            "width, height, step and data of the message must agree"
        )
