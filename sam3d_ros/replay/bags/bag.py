"""Bags in, without ROS: .db3 and .mcap, as a recording's folder or as a single file."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.interfaces import Connection
from rosbags.rosbag2 import ReaderError

from .message_types import typestore

STORAGES = {".db3": "sqlite3", ".mcap": "mcap"}


class BagError(ValueError):
    """A bag that cannot be read, or topics in it that cannot be used."""


@dataclass(frozen=True, slots=True)
class BagTopic:
    """One topic of a bag; `type` as in `sensor_msgs/msg/Image`."""

    name: str
    type: str
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class BagMessage:
    """One message: `time_ns` is when it was recorded, `data` its serialised form."""

    topic: str
    type: str
    time_ns: int
    data: bytes


class Bag:
    """An open bag; use it in a `with` statement."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = _reader(path)

    def __enter__(self) -> Bag:
        try:
            self._reader.open()
        except (AnyReaderError, ReaderError, OSError) as error:
            raise BagError(f"{self.path}: cannot be read ({error}); is the recording complete?") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    @property
    def topics(self) -> tuple[BagTopic, ...]:
        """All topics, by name."""
        found: dict[str, BagTopic] = {}
        for connection in self._reader.connections:
            before = found.get(connection.topic)
            count = connection.msgcount + (before.count if before else 0)
            found[connection.topic] = BagTopic(connection.topic, connection.msgtype, count)
        return tuple(found[name] for name in sorted(found))

    @property
    def start_ns(self) -> int:
        """When the first message was recorded."""
        return int(self._reader.start_time)

    @property
    def duration_s(self) -> float:
        """From the first message to the last, seconds."""
        return max(0.0, float(self._reader.duration) / 1e9)

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """The messages of these topics in the order in which they were recorded."""
        connections: list[Connection] = [item for item in self._reader.connections if item.topic in topics]
        if not connections:
            return
        for connection, time_ns, data in self._reader.messages(connections):
            yield BagMessage(connection.topic, connection.msgtype, int(time_ns), bytes(data))

    def decode(self, message: BagMessage) -> Any:
        """The message with its fields, by the definitions that the bag holds."""
        try:
            return self._reader.deserialize(message.data, message.type)
        except AnyReaderError as error:
            raise BagError(f"{self.path}: a message of {message.topic} cannot be decoded ({error})") from error


def _reader(path: Path) -> AnyReader:
    if not path.exists():
        raise BagError(f"{path}: no such file or folder")
    if path.is_file() and path.suffix not in STORAGES:
        raise BagError(f"{path}: a bag is a .mcap or .db3 file, or the folder of a recording")
    if path.is_dir() and not (path / "metadata.yaml").is_file():
        return _reader(_only_file(path))
    try:
        return AnyReader([path], default_typestore=typestore())
    except (AnyReaderError, OSError) as error:
        raise BagError(f"{path}: cannot be read ({error})") from error


def _only_file(folder: Path) -> Path:
    """The one bag file of a folder that lost its metadata."""
    files = sorted(item for item in folder.iterdir() if item.suffix in STORAGES)
    if len(files) != 1:
        raise BagError(f"{folder}: has no metadata.yaml and {len(files)} bag files; give one .mcap or .db3 file")
    return files[0]
