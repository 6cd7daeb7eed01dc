"""What all builders share: stamps, headers, poses, arrays without a loop over elements."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Point, Pose, PoseWithCovariance, Quaternion, Vector3
from numpy.typing import ArrayLike, NDArray
from std_msgs.msg import Header

from ...geometry import SE3

_NANOSECONDS = 1_000_000_000
_TYPE_CODES = {np.dtype(np.float32): "f", np.dtype(np.uint32): "I", np.dtype(np.uint8): "B"}


def stamp_message(stamp_ns: int) -> Time:
    return Time(sec=stamp_ns // _NANOSECONDS, nanosec=stamp_ns % _NANOSECONDS)


def duration_message(nanoseconds: int) -> Duration:
    return Duration(sec=nanoseconds // _NANOSECONDS, nanosec=nanoseconds % _NANOSECONDS)


def header_message(stamp_ns: int, frame_id: str) -> Header:
    return Header(stamp=stamp_message(stamp_ns), frame_id=frame_id)


def point_message(xyz: ArrayLike) -> Point:
    x, y, z = np.asarray(xyz, np.float64).tolist()
    return Point(x=x, y=y, z=z)


def vector_message(xyz: ArrayLike) -> Vector3:
    x, y, z = np.asarray(xyz, np.float64).tolist()
    return Vector3(x=x, y=y, z=z)


def quaternion_message(transform: SE3) -> Quaternion:
    x, y, z, w = transform.quat_xyzw.tolist()
    return Quaternion(x=x, y=y, z=z, w=w)


def pose_message(transform: SE3) -> Pose:
    return Pose(position=point_message(transform.translation_xyz), orientation=quaternion_message(transform))


def pose_with_covariance(transform: SE3, covariance: NDArray[np.float64]) -> PoseWithCovariance:
    """Covariance [6, 6] goes in row by row: x, y, z, rotation about x, y, z, all in the frame of the header."""
    flat = np.ascontiguousarray(covariance, np.float64).reshape(36)
    return PoseWithCovariance(pose=pose_message(transform), covariance=flat)


def packed(values: NDArray[np.generic]) -> array.array[Any]:
    """Copy of the memory as the array.array that rclpy takes without looking at each element."""
    result: array.array[Any] = array.array(_TYPE_CODES[values.dtype])
    result.frombytes(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
    return result
