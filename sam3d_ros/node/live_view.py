"""What the running node publishes and reads, brought to the viewer's page."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from ..pipeline.rectification import is_raw
from ..replay.bags.bag import BagError, BagTopic
from ..replay.bags.result_topics import OBJECTS_TYPE, REJECTIONS_TYPE, CameraTopics, find_camera
from ..replay.bags.topics import Role
from ..viewer.camera_view import POINT_BUDGET
from ..viewer.live_feed import LiveFeed
from ..viewer.viewer import Viewer
from .inputs import InputSpec, TopicInput
from .live_stage import private_node
from .player import message_class

_GRACE_S = 3.0  # nothing is said of silence before
_LOOK_S = 1.0  # between two looks at what runs and publishes
_LATCHED = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_RELIABLE = QoSProfile(depth=20, reliability=ReliabilityPolicy.RELIABLE)
_TF = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
_TF_STATIC = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@dataclass(frozen=True, slots=True)
class LiveViewConfig:
    """Whose results are shown and how. Camera topics that are not given are those that the node reads."""

    namespace: str = "/sam3d"  # full name of the node: its topics are below
    topics: Mapping[Role, str] = field(default_factory=dict)
    target_frame: str = ""  # empty: the frame of the poses
    point_budget: int = POINT_BUDGET

    @property
    def node_name(self) -> str:
        return "/" + self.namespace.strip("/")


class LiveView:
    """Subscribes to results and transforms at once, and to the camera as soon as its topics are known."""

    def __init__(self, node: Node, viewer: Viewer, config: LiveViewConfig) -> None:
        self._node = node
        self._viewer = viewer
        self._config = config
        self._camera: list[TopicInput] = []
        self._camera_fault = ""
        self._image_topic = ""
        self._refused = ""
        self._started = self._looked = self._camera_since = time.monotonic()
        self._feed = LiveFeed(
            viewer.put,
            raw=lambda: is_raw("auto", self._image_topic),
            target_frame=config.target_frame,
            point_budget=config.point_budget,
        )
        feed = self._feed
        self._objects = f"{config.node_name}/objects"
        self._subscribe(OBJECTS_TYPE, self._objects, lambda m: feed.objects(m, now_ns=self._now_ns()), _LATCHED)
        rejections = f"{config.node_name}/rejections"
        self._subscribe(REJECTIONS_TYPE, rejections, lambda m: feed.rejections(m, now_ns=self._now_ns()), _RELIABLE)
        tf_type = "tf2_msgs/msg/TFMessage"
        self._subscribe(tf_type, "/tf", lambda m: feed.transforms(m, static=False), _TF)
        self._subscribe(tf_type, "/tf_static", lambda m: feed.transforms(m, static=True), _TF_STATIC)

    def tick(self) -> None:
        """Look for the camera's topics, and say what has not arrived; to be called often."""
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        if not self._camera:
            self._find_camera()
        for topic in self._camera:
            topic.adapt()
        if now - self._started > _GRACE_S:
            self._viewer.say(*self.missing())

    def missing(self) -> list[str]:
        """What has not arrived, and what to look at; empty while all is well."""
        lines = []
        if not self._feed.results:
            lines.append(f"no message on {self._objects} yet; is the node active?")
        if not self._camera:
            lines.append(self._camera_fault)
        if time.monotonic() - self._camera_since > _GRACE_S:
            silent = (topic for topic in self._camera if topic.spec.required and not topic.meter.total)
            lines += [topic.describe_silence() for topic in silent]
        return [*lines, *(fault for fault in (self._refused, self._feed.fault) if fault)]

    def _find_camera(self) -> None:
        try:
            found = find_camera(self._candidates(), self._config.topics)
        except BagError as error:
            self._camera_fault = f"no scene points and no picture: {error}"
            return
        if isinstance(found, CameraTopics):
            self._read_camera(found)
            return
        self._camera_fault = (
            f"no scene points and no picture: topics of {found} are not known, as {self._config.node_name} does not "
            "read them yet; name them with --topics ROLE:=NAME"
        )

    def _candidates(self) -> list[BagTopic]:
        """Topics that the node reads, and those that the user named."""
        space, _, name = self._config.node_name.rpartition("/")
        nodes = self._node.get_node_names_and_namespaces()
        read: Sequence[tuple[str, list[str]]] = ()
        if (name, space or "/") in nodes:
            read = self._node.get_subscriber_names_and_types_by_node(name, space or "/")
        named = set(self._config.topics.values())
        given = [item for item in self._node.get_topic_names_and_types() if item[0] in named]
        return [BagTopic(topic, kinds[0], 1) for topic, kinds in dict([*read, *given]).items()]

    def _read_camera(self, topics: CameraTopics) -> None:
        feed = self._feed
        self._image_topic, self._camera_since = topics.image.name, time.monotonic()
        takes: list[tuple[BagTopic, Callable[[Any], None], bool]] = [
            (topics.image, feed.image, True),
            (topics.camera_info, feed.camera_info, True),
            (topics.depth, feed.depth, True),
        ]
        if topics.mask is not None:
            takes.append((topics.mask, feed.mask, False))
        self._camera = [self._input(topic, take, required=required) for topic, take, required in takes]

    def _input(self, topic: BagTopic, take: Callable[[Any], None], *, required: bool) -> TopicInput:
        return TopicInput(
            self._node,
            InputSpec(topic.name, message_class(topic.type), required=required),
            on_message=lambda _, message: take(message),
            on_refused=lambda _, fault: self._refuse(fault),
        )

    def _refuse(self, fault: str) -> None:
        self._refused = fault

    def _subscribe(self, kind: str, topic: str, take: Callable[[Any], None], qos: QoSProfile) -> None:
        self._node.create_subscription(message_class(kind), topic, take, qos)

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)


def show_node(viewer: Viewer, config: LiveViewConfig, deadline: float) -> None:
    """Show what comes until `deadline` of time.monotonic() or Ctrl-C."""
    with private_node("sam3d_view") as (node, executor):
        live = LiveView(node, viewer, config)
        while time.monotonic() < deadline:
            executor.spin_once(timeout_sec=0.1)
            live.tick()
            viewer.check()
