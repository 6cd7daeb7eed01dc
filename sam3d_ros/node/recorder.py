"""Records what the node publishes, as the bytes that came over DDS, and times how long each frame took."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from ..pipeline.decode import stamp_ns
from ..replay.bags.message_types import typestore
from ..replay.bags.result_bag import DETECTIONS, MARKER_ARRAY, MARKERS, OBJECTS, REJECTIONS, ResultBag
from ..replay.bags.scene_of_messages import scene_of_messages
from ..tracking import SceneUpdate
from .player import message_class

DIAGNOSTICS = "/diagnostics"
_TYPES = {
    OBJECTS: "sam3d_ros/msg/ReconstructedObjectArray",
    DETECTIONS: "vision_msgs/msg/Detection3DArray",
    MARKERS: MARKER_ARRAY,
    REJECTIONS: "sam3d_ros/msg/RejectionArray",
    DIAGNOSTICS: "diagnostic_msgs/msg/DiagnosticArray",
    "/tf": "tf2_msgs/msg/TFMessage",
}
_LATCHED_DEPTH = 50


@dataclass(slots=True)
class _Published:
    """What the node said of one frame."""

    objects: Any = None  # ReconstructedObjectArray, the newest of this stamp
    rejections: Any = None  # RejectionArray; comes once, last
    finished: float = 0.0  # time.monotonic() when the rejections came


class NodeRecorder:
    """Subscribes to all outputs; messages go into the result bag and, where they count, into `updates` by stamp."""

    def __init__(self, node: Node, results: ResultBag, now_ns: Callable[[], int]) -> None:
        self._results = results
        self._now_ns = now_ns
        self._sent: dict[int, float] = {}  # image stamp -> time.monotonic() when it went out
        self._frames: dict[int, _Published] = {}
        self.frames_sent = 0
        self.frames_answered = 0
        self.last_sent_ns = 0
        self.diagnostics: dict[str, dict[str, str]] = {}  # newest values by status and key
        self._subscriptions = [self._subscribe(node, topic, kind) for topic, kind in _TYPES.items()]

    @property
    def topics(self) -> frozenset[str]:
        """What is recorded."""
        return frozenset(_TYPES)

    def sending(self, image: Any) -> None:
        """Note that an image goes out now."""
        self.last_sent_ns = stamp_ns(image)
        if self.last_sent_ns in self._sent:
            self._frames.pop(self.last_sent_ns, None)  # of the loop before
        self._sent[self.last_sent_ns] = time.monotonic()
        self.frames_sent += 1

    def has_answered(self, stamp: int) -> bool:
        """Whether the node has said its last word of this frame."""
        return stamp in self._frames and self._frames[stamp].rejections is not None

    def updates(self) -> dict[int, SceneUpdate]:
        """The final scene of each answered frame, by stamp."""
        return {
            stamp: scene_of_messages(self._frames[stamp].objects, self._frames[stamp].rejections)
            for stamp in sorted(self._frames)
            if self.has_answered(stamp)
        }

    def answer_times(self) -> list[float]:
        """Seconds from the image going out to the last result coming in, for each answered frame of the last loop."""
        finished = {stamp: self._frames[stamp].finished for stamp in self._sent if self.has_answered(stamp)}
        # The first frame may have been answered while the node was still being waited for.
        return [end - self._sent[stamp] for stamp, end in finished.items() if end > self._sent[stamp]]

    def _subscribe(self, node: Node, topic: str, kind: str) -> Any:
        latched = topic in (OBJECTS, MARKERS)
        qos = QoSProfile(
            depth=_LATCHED_DEPTH,
            reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )
        return node.create_subscription(
            message_class(kind), topic, lambda data: self._receive(topic, kind, bytes(data)), qos, raw=True
        )

    def _receive(self, topic: str, kind: str, data: bytes) -> None:
        self._results.record(topic, kind, self._now_ns(), data)
        if topic == DIAGNOSTICS:
            self._note_diagnostics(typestore().deserialize_cdr(data, kind))
        elif topic in (OBJECTS, REJECTIONS):
            self._note(topic, typestore().deserialize_cdr(data, kind))

    def _note(self, topic: str, message: Any) -> None:
        frame = self._frames.setdefault(stamp_ns(message), _Published())
        if topic == OBJECTS:
            frame.objects = message
        else:
            frame.rejections, frame.finished = message, time.monotonic()
            self.frames_answered += 1

    def _note_diagnostics(self, message: Any) -> None:
        for status in message.status:
            self.diagnostics[status.name] = {"message": status.message, **{v.key: v.value for v in status.values}}
