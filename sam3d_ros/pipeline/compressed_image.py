"""sensor_msgs/CompressedImage as NumPy arrays: JPEG and PNG, and the depth format of image_transport."""

from __future__ import annotations

import io
import struct
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .raw_image import InputError, as_bytes, to_labels

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
# compressed_depth_image_transport puts an enumeration and the two quantisation numbers in front of the PNG.
_DEPTH_HEADER = struct.Struct("<iff")


class CompressedMessage(Protocol):
    """The fields of sensor_msgs/CompressedImage."""

    format: Any
    data: Any


def compressed_color(message: CompressedMessage) -> NDArray[np.uint8]:
    """RGB colours [H, W, 3] of a JPEG or PNG with 8 bits a channel."""
    picture = _open(as_bytes(message.data).tobytes(), message.format, what="colour image")
    if picture.mode not in ("RGB", "RGBA", "L", "LA", "P", "CMYK"):
        raise InputError(f"compressed colour image has pixels of kind '{picture.mode}'; send 8 bits a channel")
    return np.asarray(picture.convert("RGB"), np.uint8)


def compressed_mask(message: CompressedMessage) -> NDArray[np.int32]:
    """Labels [H, W] of a PNG; the index is the label in a palette image. JPEG is refused: it invents labels."""
    data = as_bytes(message.data).tobytes()
    _refuse_jpeg(data, what="mask")
    picture = _open(data, message.format, what="mask")
    if picture.mode not in ("L", "P", "1", "I", "I;16", "I;16B"):
        raise InputError(f"compressed mask has pixels of kind '{picture.mode}'; a label image has one channel")
    return to_labels(np.asarray(picture))


def compressed_depth(message: CompressedMessage) -> NDArray[np.uint16] | NDArray[np.float32]:
    """Depth [H, W]: uint16 millimetres, or float32 metres with NaN where the sender had none.

    Takes plain 16-bit PNG and the `compressedDepth` format, whose 32FC1 kind stores inverse depth:
    z = a / (q - b) with a and b from the header.
    """
    data = as_bytes(message.data).tobytes()
    _refuse_jpeg(data, what="depth image")
    if "compressedDepth" not in str(message.format):
        return _png_uint16(data, message.format)
    if len(data) <= _DEPTH_HEADER.size or not data.startswith(_PNG, _DEPTH_HEADER.size):
        raise InputError(f"compressedDepth of format '{message.format}' holds no PNG; set its format to png, not rvl")
    quantised = _png_uint16(data[_DEPTH_HEADER.size :], message.format)
    if not str(message.format).startswith("32FC1"):
        return quantised
    _, quant_a, quant_b = _DEPTH_HEADER.unpack_from(data)
    return _from_inverse_depth(quantised, quant_a, quant_b)


def _from_inverse_depth(quantised: NDArray[np.uint16], quant_a: float, quant_b: float) -> NDArray[np.float32]:
    offset = quantised.astype(np.float32) - np.float32(quant_b)
    valid = (quantised > 0) & (offset > 0)
    depth = np.full(quantised.shape, np.nan, np.float32)
    np.divide(np.float32(quant_a), offset, out=depth, where=valid)
    return depth


def _png_uint16(data: bytes, name: str) -> NDArray[np.uint16]:
    picture = _open(data, name, what="depth image")
    if picture.mode not in ("I", "I;16", "I;16B"):
        raise InputError(f"compressed depth has pixels of kind '{picture.mode}'; depth is one channel of 16 bits")
    return np.asarray(picture).astype(np.uint16)


def _refuse_jpeg(data: bytes, *, what: str) -> None:
    if data.startswith(_JPEG):
        raise InputError(f"{what} is a JPEG, which changes values at edges; send it as PNG or uncompressed")


def _open(data: bytes, name: str, *, what: str) -> Image.Image:
    if not data.startswith((_PNG, _JPEG)):
        raise InputError(f"compressed {what} of format '{name}' is neither PNG nor JPEG")
    try:
        picture = Image.open(io.BytesIO(data))
        picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"compressed {what} of format '{name}' and {len(data)} bytes is damaged: {error}") from error
    return picture
