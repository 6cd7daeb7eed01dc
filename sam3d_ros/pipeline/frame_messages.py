"""A matched set of ROS messages as a frame; the node and the replay of bags share it. Needs no ROS itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..geometry import PinholeCamera
from ..geometry.cloud import CloudField, CloudLayout, cloud_to_pointmap
from ..geometry.distortion import Rectifier
from ..geometry.pointmap import PointmapError, depth_to_pointmap
from .decode import (
    InputError,
    check_same_size,
    decode_camera,
    decode_color,
    decode_depth,
    decode_detections,
    decode_mask,
    stamp_ns,
)
from .frame import Frame
from .raw_image import as_bytes
from .rectification import rectifier_for, rectify_depth, rectify_points

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class FrameMessages:
    """The messages of one instant, of rclpy or of rosbags. Stamp and frame are those of the image."""

    image: Any  # Image or CompressedImage
    depth: Any  # Image, CompressedImage or organised PointCloud2
    mask: Any  # Image or CompressedImage; None: no instances, for who makes masks
    camera_info: Any  # CameraInfo; None where none has come yet
    detections: Any = None  # Detection2DArray or None
    arrived: float = 0.0  # time.monotonic() when the set was complete
    raw: bool = True  # the images are as the lens bent them; matters only where camera_info has distortion

    @property
    def stamp_ns(self) -> int:
        return stamp_ns(self.image)

    @property
    def frame_id(self) -> str:
        return str(self.image.header.frame_id)


def decode_frame(messages: FrameMessages) -> Frame:
    """Colour, pointmap and labels of a pinhole camera in the optical frame of the image.

    Raw images of a lens with distortion are rectified. Raises InputError naming input and fault.
    """
    if messages.camera_info is None:
        raise InputError("no camera_info has come yet: remap the topic camera_info to the camera's CameraInfo")
    calibration = _named("camera_info", decode_camera, messages.camera_info)
    camera = calibration.camera
    table = rectifier_for(calibration) if messages.raw else None
    color = _named("image", decode_color, messages.image)
    labels = _labels(messages.mask, color)
    if color.shape[:2] != (camera.height, camera.width):
        raise InputError(
            f"image is {color.shape[1]}x{color.shape[0]}, camera_info says {camera.width}x{camera.height}: "
            "they belong to different streams"
        )
    return Frame(
        color=color if table is None else table.color(color),
        pointmap=_pointmap(messages.depth, camera, table),
        labels=labels if table is None else table.labels(labels).astype(np.int32),
        camera=camera,
        stamp_ns=messages.stamp_ns,
        frame_id=messages.frame_id,
        detections={} if messages.detections is None else decode_detections(messages.detections).by_label,
    )


def _labels(mask: Any, color: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Label image [H, W] of the image's size; zeros without a mask."""
    if mask is None:
        return np.zeros(color.shape[:2], np.int32)
    labels = _named("mask", decode_mask, mask)
    check_same_size(image=color, mask=labels)
    return labels


def _pointmap(message: Any, camera: PinholeCamera, table: Rectifier | None) -> NDArray[np.float32]:
    """Pointmap [H, W, 3] of the camera's pixels, from a depth image of any size of the same view, or from a cloud."""
    if hasattr(message, "point_step"):
        points = _named("points", lambda c: cloud_to_pointmap(as_bytes(c.data), _layout(c), camera), message)
        return points if table is None else rectify_points(table, points)
    depth = _named("depth", decode_depth, message)
    if table is not None:
        depth = rectify_depth(table, depth)
    height, width = depth.shape
    same = (height, width) == (camera.height, camera.width)
    return depth_to_pointmap(depth, camera, depth_camera=None if same else camera.scaled_to(width, height))


def _layout(message: Any) -> CloudLayout:
    fields = tuple(CloudField(str(f.name), int(f.offset), int(f.datatype)) for f in message.fields)
    return CloudLayout(
        height=int(message.height),
        width=int(message.width),
        fields=fields,
        point_step=int(message.point_step),
        row_step=int(message.row_step),
        is_bigendian=bool(message.is_bigendian),
    )


def _named(topic: str, decode: Callable[[Any], T], message: Any) -> T:
    """What the decoder answers; its InputError with the name of the input in front."""
    try:
        return decode(message)
    except (InputError, PointmapError) as error:
        raise InputError(str(error) if str(error).startswith(topic) else f"{topic}: {error}") from error
