"""What all builders share: stamps, headers, poses, arrays without a loop over elements."""

from __future__ import annotations

import array
from typing import Any, TypeVar

import numpy as np
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Point, Pose, PoseWithCovariance, Quaternion, Vector3
from numpy.typing import ArrayLike, NDArray
from std_msgs.msg import Header

from ...geometry import SE3

XYZ = TypeVar("XYZ", Point, Vector3)

_NANOSECONDS = 1_000_000_000
_TYPE_CODES = {np.dtype(np.float32): "f", np.dtype(np.uint32): "I", np.dtype(np.uint8): "B"}


def stamp_message(stamp_ns: int) -> Time:
    return Time(sec=stamp_ns // _NANOSECONDS, nanosec=stamp_ns % _NANOSECONDS)


def duration_message(nanoseconds: int) -> Duration:
    return Duration(sec=nanoseconds // _NANOSECONDS, nanosec=nanoseconds % _NANOSECONDS)


def header_message(stamp_ns: int, frame_id: str) -> Header:
    return Header(stamp=stamp_message(stamp_ns), frame_id=frame_id)


def point_message(xyz: ArrayLike) -> Point:
    return _with_xyz(Point(), xyz)


def vector_message(xyz: ArrayLike) -> Vector3:
    return _with_xyz(Vector3(), xyz)


def quaternion_message(transform: SE3) -> Quaternion:
    return _with_rotation(Quaternion(), transform)


def pose_message(transform: SE3) -> Pose:
    pose = Pose()
    _with_xyz(pose.position, transform.translation_xyz)
    _with_rotation(pose.orientation, transform)
    return pose


def pose_with_covariance(transform: SE3, covariance: NDArray[np.float64]) -> PoseWithCovariance:
    """Covariance [6, 6] goes in row by row: x, y, z, rotation about x, y, z, all in the frame of the header."""
    message = PoseWithCovariance()
    _with_xyz(message.pose.position, transform.translation_xyz)
    _with_rotation(message.pose.orientation, transform)
    message.covariance = np.ascontiguousarray(covariance, np.float64).reshape(36)
    return message


def _with_xyz(message: XYZ, xyz: ArrayLike) -> XYZ:
    """Filled in place: a constructor makes every part anew, also those that are given to it."""
    message.x, message.y, message.z = np.asarray(xyz, np.float64).tolist()
    return message


def _with_rotation(message: Quaternion, transform: SE3) -> Quaternion:
    message.w, message.x, message.y, message.z = transform.quat_wxyz.tolist()
    return message


def packed(values: NDArray[np.generic]) -> array.array[Any]:
    """Copy of the memory as the array.array that rclpy takes without looking at each element."""
    result: array.array[Any] = array.array(_TYPE_CODES[values.dtype])
    result.frombytes(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
    return result
