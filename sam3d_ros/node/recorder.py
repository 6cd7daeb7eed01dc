"""Records what the node publishes, as the bytes that came over DDS, and times how long each frame took."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from ..pipeline.decode import stamp_ns
from ..replay.message_types import typestore
from ..replay.result_bag import DETECTIONS, MARKER_ARRAY, MARKERS, OBJECTS, REJECTIONS, ResultBag
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
class Published:
    """What the node said of one frame."""

    objects: Any = None  # ReconstructedObjectArray, the newest of this stamp
    rejections: Any = None  # RejectionArray; comes once, last
    finished: float = 0.0  # time.monotonic() when the rejections came


class NodeRecorder:
    """Subscribes to all outputs; messages go into the result bag and, where they count, into `frames` by stamp."""

    def __init__(self, node: Node, results: ResultBag, now_ns: Callable[[], int]) -> None:
        self._results = results
        self._now_ns = now_ns
        self.frames: dict[int, Published] = {}
        self.diagnostics: Any = None
        self.last_output = time.monotonic()
        self._subscriptions = [self._subscribe(node, topic, kind) for topic, kind in _TYPES.items()]

    @property
    def answered(self) -> int:
        """Frames of which the node has said its last word."""
        return sum(frame.rejections is not None for frame in self.frames.values())

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
            self.diagnostics = typestore().deserialize_cdr(data, kind)
        elif topic in (OBJECTS, REJECTIONS):
            self._note(topic, typestore().deserialize_cdr(data, kind))

    def _note(self, topic: str, message: Any) -> None:
        frame = self.frames.setdefault(stamp_ns(message), Published())
        self.last_output = time.monotonic()
        if topic == OBJECTS:
            frame.objects = message
        else:
            frame.rejections, frame.finished = message, time.monotonic()
