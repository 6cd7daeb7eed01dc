"""Message types for bags, without ROS: the common ones from rosbags, ours and vision_msgs from their definition files.

The Humble definitions are used: every type that is written here is the same in all distributions since.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from ...geometry import SE3

CHECKOUT = Path(__file__).resolve().parents[3]
PACKAGES = ("sam3d_ros", "vision_msgs")


class MessageTypeError(RuntimeError):
    """Definition files of our own messages that cannot be found."""


@lru_cache(maxsize=1)
def typestore() -> Typestore:
    """The types that this package reads and writes."""
    store = get_typestore(Stores.ROS2_HUMBLE)
    types = {}
    for package in PACKAGES:
        for path in sorted(definition_folder(package).glob("*.msg")):
            types.update(get_types_from_msg(path.read_text(encoding="utf-8"), f"{package}/msg/{path.stem}"))
    store.register(types)
    return store


def make(message_type: str, **fields: Any) -> Any:
    """A message of `package/Name`."""
    package, name = message_type.split("/")
    return typestore().types[f"{package}/msg/{name}"](**fields)


def header(stamp_ns: int, frame_id: str) -> Any:
    """std_msgs/Header."""
    return make("std_msgs/Header", stamp=time(stamp_ns), frame_id=frame_id)


def time(stamp_ns: int) -> Any:
    """builtin_interfaces/Time."""
    return make("builtin_interfaces/Time", sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)


def transform(pose: SE3) -> Any:
    """geometry_msgs/Transform."""
    return make("geometry_msgs/Transform", translation=xyz("Vector3", pose.translation_xyz), rotation=rotation(pose))


def rotation(pose: SE3) -> Any:
    """geometry_msgs/Quaternion."""
    x, y, z, w = pose.quat_xyzw.tolist()
    return make("geometry_msgs/Quaternion", x=x, y=y, z=z, w=w)


def xyz(name: str, values: Any) -> Any:
    """geometry_msgs/Point or Vector3 of three numbers."""
    x, y, z = np.asarray(values, np.float64).tolist()
    return make(f"geometry_msgs/{name}", x=x, y=y, z=z)


def definition_folder(package: str) -> Path:
    """Folder with the .msg files of a package; raises MessageTypeError where no place has it."""
    places = list(_places(package))
    for folder in places:
        if any(folder.glob("*.msg")):
            return folder
    searched = ", ".join(str(folder) for folder in places)
    raise MessageTypeError(f"no .msg files of {package} in {searched}: run `make setup`, or source your ROS workspace")


def _places(package: str) -> Iterator[Path]:
    """The checkout first, then every prefix in which packages are installed."""
    yield CHECKOUT / "msg" if package == "sam3d_ros" else CHECKOUT / "interfaces" / package / "msg"
    for prefix in (*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix):
        if prefix:
            yield Path(prefix) / "share" / package / "msg"
