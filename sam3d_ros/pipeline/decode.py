"""Messages in, arrays out. Works on messages of rclpy and of rosbags alike, and needs neither.

Whatever cannot be used raises InputError; its text says what is wrong and what to do, and leaves the topic's name to
the caller, who knows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3
from .camera_info import CameraCalibration, read_camera_info
from .compressed_image import compressed_color, compressed_depth, compressed_mask
from .frame import Detection
from .raw_image import InputError, raw_color, raw_depth, raw_mask

__all__ = [
    "CameraCalibration",
    "DetectionsByLabel",
    "InputError",
    "check_same_size",
    "decode_camera",
    "decode_color",
    "decode_depth",
    "decode_detections",
    "decode_mask",
    "pose_of",
    "stamp_ns",
    "transform_of",
]


@dataclass(frozen=True, slots=True)
class DetectionsByLabel:
    """Detections that name a label of the mask, and one line for each that does not."""

    by_label: dict[int, Detection]
    unpaired: tuple[str, ...]


def pose_of(pose: Any) -> SE3:
    """The SE3 of a geometry_msgs/Pose."""
    return _se3(pose.position, pose.orientation)


def transform_of(transform: Any) -> SE3:
    """The SE3 of a geometry_msgs/Transform."""
    return _se3(transform.translation, transform.rotation)


def _se3(p: Any, q: Any) -> SE3:
    """Messages have quaternions as x y z w, SE3 as w x y z."""
    return SE3(np.array([q.w, q.x, q.y, q.z]), np.array([p.x, p.y, p.z]))


def stamp_ns(message: Any) -> int:
    """Header stamp of a message in nanoseconds."""
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def decode_color(message: Any) -> NDArray[np.uint8]:
    """RGB colours [H, W, 3] of an Image or CompressedImage."""
    return compressed_color(message) if _is_compressed(message) else raw_color(message)


def decode_depth(message: Any) -> NDArray[np.uint16] | NDArray[np.float32]:
    """Depth [H, W] of an Image or CompressedImage: uint16 millimetres, 0 = none; or float32 metres."""
    return compressed_depth(message) if _is_compressed(message) else raw_depth(message)


def decode_mask(message: Any) -> NDArray[np.int32]:
    """Label image [H, W] of an Image or CompressedImage, 0 = background."""
    return compressed_mask(message) if _is_compressed(message) else raw_mask(message)


def decode_camera(message: Any) -> CameraCalibration:
    """Calibration of a CameraInfo for the pixels that are sent."""
    return read_camera_info(message)


def decode_detections(message: Any) -> DetectionsByLabel:
    """Class and score by mask label of a Detection2DArray; a detection names its label in the field `id`."""
    by_label: dict[int, Detection] = {}
    unpaired: list[str] = []
    for item in message.detections:
        name = str(item.id).strip()
        if not (name.isascii() and name.isdigit() and int(name) > 0):
            unpaired.append(f"id '{item.id}' is no mask label; set it to the instance's value in the mask image")
        elif not len(item.results):
            unpaired.append(f"id '{name}' carries no hypothesis")
        elif int(name) in by_label:
            unpaired.append(f"id '{name}' came twice; the first one counts")
        else:
            best = max((result.hypothesis for result in item.results), key=lambda hypothesis: float(hypothesis.score))
            by_label[int(name)] = Detection(str(best.class_id), float(best.score))
    return DetectionsByLabel(by_label, tuple(unpaired))


def check_same_size(**images: NDArray[Any]) -> None:
    """Raise InputError where images differ in height or width; the keyword names each in the message."""
    sizes = {name: f"{image.shape[1]}x{image.shape[0]}" for name, image in images.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(f"sizes differ: {listed}; all must have the pixels of the colour image")


def _is_compressed(message: Any) -> bool:
    return not hasattr(message, "encoding")
