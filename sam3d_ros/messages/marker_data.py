"""A marker as plain arrays, and its way into the bytes of visualization_msgs/MarkerArray. Needs no ROS."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3, Mesh
from .cdr import CdrWriter

# The fields of the messages as `encode_markers` lays them out; Humble and all later distributions have these.
MARKER_FIELDS = {
    "header": "std_msgs/Header",
    "ns": "string",
    "id": "int32",
    "type": "int32",
    "action": "int32",
    "pose": "geometry_msgs/Pose",
    "scale": "geometry_msgs/Vector3",
    "color": "std_msgs/ColorRGBA",
    "lifetime": "builtin_interfaces/Duration",
    "frame_locked": "boolean",
    "points": "sequence<geometry_msgs/Point>",
    "colors": "sequence<std_msgs/ColorRGBA>",
    "texture_resource": "string",
    "texture": "sensor_msgs/CompressedImage",
    "uv_coordinates": "sequence<visualization_msgs/UVCoordinate>",
    "text": "string",
    "mesh_resource": "string",
    "mesh_file": "visualization_msgs/MeshFile",
    "mesh_use_embedded_materials": "boolean",
}

# Fields of one marker that lie side by side: time; id, type, action; position, orientation, scale, colour, lifetime and
# frame_locked.
_TIME, _IDENTITY, _PLACE = struct.Struct("<iI"), struct.Struct("<iii"), struct.Struct("<10d4fiI?")
_LEVELS = np.arange(256, dtype=np.float32) / np.float32(255)


class MarkerType(IntEnum):
    """The kinds of visualization_msgs/Marker that are used here."""

    CUBE = 1
    LINE_LIST = 5
    TEXT_VIEW_FACING = 9
    MESH_RESOURCE = 10
    TRIANGLE_LIST = 11


class MarkerAction(IntEnum):
    """ADD also changes a marker of the same namespace and id, without blinking."""

    ADD = 0
    DELETE = 2
    DELETE_ALL = 3


def _no_points() -> NDArray[np.float64]:
    return np.zeros((0, 3))


def _no_colors() -> NDArray[np.float32]:
    return np.zeros((0, 4), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class MarkerData:
    """One visualization_msgs/Marker; what is not here keeps the default of the message."""

    frame_id: str
    stamp_ns: int
    ns: str
    marker_id: int
    type: MarkerType
    action: MarkerAction = MarkerAction.ADD
    T_frame_marker: SE3 = field(default_factory=SE3.identity)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    rgba: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    lifetime_ns: int = 0  # 0: until it is deleted
    frame_locked: bool = False
    points: NDArray[np.float64] = field(default_factory=_no_points)  # [N, 3] in the marker's own frame
    colors: NDArray[np.float32] = field(default_factory=_no_colors)  # [N, 4] red, green, blue, alpha in 0-1
    text: str = ""
    mesh_resource: str = ""
    use_embedded_materials: bool = False


def encode_markers(markers: Sequence[MarkerData], *, padding: int = 0) -> bytes:
    """Serialised visualization_msgs/MarkerArray, ready for Publisher.publish or for a bag."""
    writer = CdrWriter(padding)
    writer.uint32(len(markers))
    for marker in markers:
        names = _names(marker.frame_id, marker.ns, padding)
        identity = _IDENTITY.pack(marker.marker_id, marker.type, marker.action)
        writer.aligned(b"".join((_TIME.pack(*_time(marker.stamp_ns)), names, identity)), 4)
        writer.aligned(_place(marker), 8)
        writer.sequence(np.asarray(marker.points, np.float64))
        writer.sequence(np.asarray(marker.colors, np.float32))
        writer.aligned(_tail(marker.text, marker.mesh_resource, marker.use_embedded_materials, padding), 4)
    return writer.finish()


def triangle_list(mesh: Mesh) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Corner points [3 T, 3] and their colours [3 T, 4], as a TRIANGLE_LIST wants them: without sharing."""
    corners = mesh.triangles.reshape(-1)
    rgba = np.ones((len(mesh.vertices), 4), np.float32)
    rgba[:, :3] = _LEVELS[mesh.vertex_colors]
    return mesh.vertices.astype(np.float64).take(corners, axis=0), rgba.take(corners, axis=0)


def _place(marker: MarkerData) -> bytes:
    pose = marker.T_frame_marker
    w, x, y, z = pose.quat_wxyz.tolist()
    seconds, nanoseconds = _time(marker.lifetime_ns)
    return _PLACE.pack(
        *pose.translation_xyz.tolist(),
        x,
        y,
        z,
        w,
        *marker.scale,
        *marker.rgba,
        seconds,
        nanoseconds,
        marker.frame_locked,
    )


# No field of the following parts is wider than four bytes and each begins at a multiple of four, wherever a marker
# begins: so the bytes are always the same, and most come back with every frame.


@lru_cache(maxsize=256)
def _names(frame_id: str, ns: str, padding: int) -> bytes:
    """The fields frame_id and ns with the padding behind them."""
    writer = CdrWriter(padding)
    writer.string(frame_id)
    writer.string(ns)
    writer.aligned(b"", 4)
    return writer.body()


@lru_cache(maxsize=256)
def _tail(text: str, mesh_resource: str, use_embedded_materials: bool, padding: int) -> bytes:
    """Everything from texture_resource on; texture and mesh_file are empty."""
    writer = CdrWriter(padding)
    writer.string("")  # texture_resource
    writer.aligned(_TIME.pack(0, 0), 4)  # texture.header
    writer.string("")
    writer.string("")  # texture.format
    writer.uint32(0)  # texture.data
    writer.uint32(0)  # uv_coordinates
    writer.string(text)
    writer.string(mesh_resource)
    writer.string("")  # mesh_file.filename
    writer.uint32(0)  # mesh_file.data
    writer.boolean(use_embedded_materials)
    return writer.body()


def _time(nanoseconds: int) -> tuple[int, int]:
    return divmod(nanoseconds, 1_000_000_000)
