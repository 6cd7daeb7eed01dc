"""Bags out, without ROS: one .mcap file, or the folder that `ros2 bag record` makes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from rosbags.interfaces import Connection, Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import StoragePlugin, Writer

from .message_types import typestore


class BagForm(Enum):
    """How a bag lies on disk."""

    MCAP_FILE = "mcap"  # one file, message definitions inside; Foxglove, RViz and `ros2 bag play` open it
    MCAP_FOLDER = "mcap_folder"
    SQLITE_FOLDER = "sqlite3"

    @staticmethod
    def of_path(path: Path) -> BagForm:
        """By the suffix: `.mcap` is one file, `.db3` or none a folder."""
        return BagForm.MCAP_FILE if path.suffix == ".mcap" else BagForm.SQLITE_FOLDER


LATCHED = Qos(
    history=QosHistory.KEEP_LAST,
    depth=1,
    reliability=QosReliability.RELIABLE,
    durability=QosDurability.TRANSIENT_LOCAL,
    deadline=QosTime(0, 0),
    lifespan=QosTime(0, 0),
    liveliness=QosLiveliness.AUTOMATIC,
    liveliness_lease_duration=QosTime(0, 0),
    avoid_ros_namespace_conventions=False,
)


class BagWriter:
    """Writes messages as they come; use it in a `with` statement. An earlier bag at the same place is replaced.

    The bag appears at its place when it is closed, complete: also after an exception or Ctrl-C.
    """

    def __init__(self, path: Path, form: BagForm | None = None, *, latched: Sequence[str] = ()) -> None:
        self.path = path
        self._form = form or BagForm.of_path(path)
        self._latched = frozenset(latched)
        self._connections: dict[str, Connection] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._workshop = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        storage = StoragePlugin.SQLITE3 if self._form is BagForm.SQLITE_FOLDER else StoragePlugin.MCAP
        self._writer = Writer(self._workshop / path.stem, version=8, storage_plugin=storage)

    def __enter__(self) -> BagWriter:
        self._writer.open()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._writer.close()
            self._move_into_place()
        finally:
            shutil.rmtree(self._workshop, ignore_errors=True)

    def write(self, topic: str, message_type: str, time_ns: int, message: Any) -> None:
        """Append a message, serialised or of our typestore; `message_type` as in `sensor_msgs/msg/Image`."""
        data = message if isinstance(message, bytes) else typestore().serialize_cdr(message, message_type)
        self._writer.write(self._connection(topic, message_type), time_ns, data)

    def _connection(self, topic: str, message_type: str) -> Connection:
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(
                topic,
                message_type,
                typestore=typestore(),
                offered_qos_profiles=[LATCHED] if topic in self._latched or topic == "/tf_static" else [],
            )
        return self._connections[topic]

    def _move_into_place(self) -> None:
        if self.path.is_dir():
            shutil.rmtree(self.path)
        made = self._workshop / self.path.stem
        source = made / f"{made.name}.mcap" if self._form is BagForm.MCAP_FILE else made
        source.replace(self.path)
