"""Organised point clouds in the byte layout of sensor_msgs/PointCloud2 to pointmaps, with NumPy alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .camera import PinholeCamera
from .pointmap import Float32Array, PointmapError

# sensor_msgs/PointField: FLOAT32 = 7, FLOAT64 = 8
_FLOAT_TYPES = {7: "f4", 8: "f8"}


@dataclass(frozen=True, slots=True)
class CloudField:
    """One entry of a cloud's field table; `datatype` is the number of sensor_msgs/PointField."""

    name: str
    offset: int  # bytes from the start of the point
    datatype: int


@dataclass(frozen=True, slots=True)
class CloudLayout:
    """Where the numbers of a PointCloud2 lie in its bytes."""

    height: int
    width: int
    point_step: int  # bytes from point to point
    row_step: int  # bytes from row to row
    fields: Sequence[CloudField]
    is_bigendian: bool = False


def cloud_to_pointmap(
    data: bytes | bytearray | memoryview | NDArray[np.uint8],
    layout: CloudLayout,
    camera: PinholeCamera,
    *,
    min_depth: float = 0.0,
    max_depth: float = math.inf,
) -> Float32Array:
    """Pointmap [H, W, 3] of an organised cloud that is given in the optical frame of `camera`, pixel for pixel.

    Points with a coordinate that is not finite, not in front of the camera, or outside min..max metres become NaN.
    Raises PointmapError for unorganised clouds, for clouds of another size than the camera's image, for x, y, z that
    are missing or no floats, and for buffers too short for their layout.
    """
    _check_organised(layout, camera)
    buffer = np.frombuffer(data, np.uint8)
    pointmap = np.empty((layout.height, layout.width, 3), np.float32)
    for axis, name in enumerate("xyz"):
        pointmap[..., axis] = _channel(buffer, layout, name)
    z = pointmap[..., 2]
    with np.errstate(invalid="ignore"):
        valid = (z > 0) & (z >= min_depth) & (z <= max_depth) & np.isfinite(pointmap).all(axis=-1)
    pointmap[~valid] = np.nan
    return pointmap


def _check_organised(layout: CloudLayout, camera: PinholeCamera) -> None:
    size, wanted = (layout.height, layout.width), (camera.height, camera.width)
    if layout.height == 1 and camera.height != 1:
        raise PointmapError(
            f"the cloud is not organised (height 1, width {layout.width}): publish it organised, as depth_image_proc "
            "does, or give a depth image instead"
        )
    if size != wanted:
        raise PointmapError(
            f"the cloud has {size[0]} rows of {size[1]} points, the image {wanted[0]} rows of {wanted[1]} pixels: "
            "both must be the same size"
        )


def _channel(buffer: NDArray[np.uint8], layout: CloudLayout, name: str) -> NDArray[np.floating]:
    """View [H, W] of one coordinate, in the type and byte order of the cloud."""
    field = next((field for field in layout.fields if field.name == name), None)
    if field is None:
        raise PointmapError(f"the cloud has no field {name!r}, only {[field.name for field in layout.fields]}")
    if field.datatype not in _FLOAT_TYPES:
        raise PointmapError(f"field {name!r} of the cloud must be FLOAT32 or FLOAT64, got datatype {field.datatype}")
    dtype = np.dtype((">" if layout.is_bigendian else "<") + _FLOAT_TYPES[field.datatype])
    _check_layout(buffer, layout, field, dtype.itemsize)
    shape, strides = (layout.height, layout.width), (layout.row_step, layout.point_step)
    view: NDArray[np.floating] = np.ndarray(shape, dtype, buffer.data, field.offset, strides)
    return view


def _check_layout(buffer: NDArray[np.uint8], layout: CloudLayout, field: CloudField, size: int) -> None:
    needed = layout.row_step * (layout.height - 1) + layout.point_step * layout.width
    inside = 0 <= field.offset <= layout.point_step - size
    if not inside or layout.row_step < layout.point_step * layout.width or len(buffer) < needed:
        raise PointmapError(
            f"the cloud's layout is impossible: {len(buffer)} bytes, {layout.height} rows of {layout.width} points, "
            f"point_step {layout.point_step}, row_step {layout.row_step}, {field.name!r} at byte {field.offset}"
        )
