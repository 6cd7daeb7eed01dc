"""A node under test in the same process as its clients, joined by real DDS."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from sam3d_ros.msg import ReconstructedObjectArray, RejectionArray
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection2D, Detection2DArray, Detection3DArray, ObjectHypothesisWithPose
from visualization_msgs.msg import MarkerArray

from sam3d_ros.node.main import bring_up
from sam3d_ros.node.sam3d_node import Sam3dNode
from sam3d_ros.pipeline.fake import FakeBackend, FakeConfig

WIDTH, HEIGHT, FOCAL = 160, 120, 150.0
CAMERA_FRAME = "camera_color_optical_frame"
LATCHED = QoSProfile(depth=20, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_COUNTER = itertools.count()


@dataclass
class Picture:
    """What the camera sees: a wall at 1 m, and for each label a block in front of it."""

    blocks: dict[int, tuple[int, int]] = field(default_factory=lambda: {3: (40, 30), 7: (40, 90)})  # label: row, column
    size: int = 40

    @property
    def labels(self) -> np.ndarray:
        labels = np.zeros((HEIGHT, WIDTH), np.int32)
        for label, (row, column) in self.blocks.items():
            labels[row : row + self.size, column : column + self.size] = label
        return labels

    @property
    def depth_mm(self) -> np.ndarray:
        return np.where(self.labels > 0, 800, 1000).astype(np.uint16)

    @property
    def color(self) -> np.ndarray:
        color = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        color[self.labels > 0] = (200, 80, 40)
        return color


def image_message(array: np.ndarray, encoding: str) -> Image:
    array = np.ascontiguousarray(array)
    return Image(
        height=array.shape[0],
        width=array.shape[1],
        encoding=encoding,
        step=array.strides[0],
        data=array.tobytes(),
    )


def camera_info_message(width: int = WIDTH, height: int = HEIGHT) -> CameraInfo:
    k = [FOCAL, 0.0, width / 2, 0.0, FOCAL, height / 2, 0.0, 0.0, 1.0]
    return CameraInfo(width=width, height=height, k=k, distortion_model="plumb_bob")


def cloud_message(depth_mm: np.ndarray) -> PointCloud2:
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    z = depth_mm / 1000.0
    points = np.stack([(u - WIDTH / 2) / FOCAL * z, (v - HEIGHT / 2) / FOCAL * z, z], axis=-1).astype(np.float32)
    fields = [PointField(name=name, offset=4 * i, datatype=7, count=1) for i, name in enumerate("xyz")]
    return PointCloud2(
        height=HEIGHT,
        width=WIDTH,
        fields=fields,
        point_step=12,
        row_step=12 * WIDTH,
        data=points.tobytes(),
        is_dense=False,
    )


def detections_message(classes: dict[int, str]) -> Detection2DArray:
    message = Detection2DArray()
    for label, name in classes.items():
        hypothesis = ObjectHypothesisWithPose()
        hypothesis.hypothesis.class_id, hypothesis.hypothesis.score = name, 0.75
        message.detections.append(Detection2D(id=str(label), results=[hypothesis]))
    return message


def stamped(message: Any, seconds: float, frame_id: str = CAMERA_FRAME) -> Any:
    nanoseconds = round(seconds * 1e9)
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(nanoseconds, 1_000_000_000)
    message.header.frame_id = frame_id
    return message


def stamp_of(message: Any) -> float:
    return message.header.stamp.sec + message.header.stamp.nanosec * 1e-9


class Rig:
    """Node, clients and everything that came out of the node, by topic."""

    def __init__(self, fake: FakeConfig, parameters: dict[str, Any], *, factory: Callable | None = None) -> None:
        self.namespace = f"/test{next(_COUNTER)}"
        self.backends: list[FakeBackend] = []
        self.fake = fake
        overrides = [Parameter(name, value=value) for name, value in {"backend": "fake", **parameters}.items()]
        self.node = Sam3dNode(
            backend_factory=factory or self._make_backend, namespace=self.namespace, parameter_overrides=overrides
        )
        self.client = rclpy.create_node("client", namespace=self.namespace)
        self.executor = SingleThreadedExecutor()
        for node in (self.node, self.client):
            self.executor.add_node(node)
        self.received: dict[str, list[Any]] = {}
        self.publishers: dict[str, Any] = {}
        for topic, kind, qos in (
            ("sam3d/objects", ReconstructedObjectArray, LATCHED),
            ("sam3d/markers", MarkerArray, LATCHED),
            ("sam3d/detections", Detection3DArray, 20),
            ("sam3d/rejections", RejectionArray, 20),
            ("/tf", TFMessage, 100),
            ("/diagnostics", DiagnosticArray, 50),
        ):
            self.listen(topic, kind, qos)

    def _make_backend(self, parameters: Any) -> FakeBackend:
        backend = FakeBackend(self.fake, prepare=parameters.prepare_config())
        self.backends.append(backend)
        return backend

    def listen(self, topic: str, kind: type, qos: Any = 10, node: Node | None = None) -> list[Any]:
        """Collect what comes on a topic."""
        messages: list[Any] = []
        (node or self.client).create_subscription(kind, topic, messages.append, qos)
        self.received[topic.removeprefix("sam3d/").removeprefix("/")] = messages
        return messages

    def up(self) -> Rig:
        assert bring_up(self.node), "the node did not become active"
        return self

    def close(self) -> None:
        for backend in self.backends:
            backend.release()
        if not self.node.is_finalized:
            self.node.trigger_shutdown()
        self.executor.shutdown(timeout_sec=0)
        for node in (self.client, self.node):
            node.destroy_node()

    def until(self, condition: Callable[[], Any], what: str, timeout: float = 15.0) -> Any:
        """Spin until the condition holds; its value."""
        end = time.monotonic() + timeout
        while not (value := condition()):
            assert time.monotonic() < end, f"waited {timeout} s in vain for {what}"
            self.executor.spin_once(timeout_sec=0.02)
        return value

    def spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.02)

    def publisher(self, topic: str, kind: type, qos: Any = 10) -> Any:
        if topic not in self.publishers:
            self.publishers[topic] = self.client.create_publisher(kind, topic, qos)
            self.until(lambda: self.publishers[topic].get_subscription_count(), f"a subscriber of {topic}")
        return self.publishers[topic]

    def send(self, seconds: float, picture: Picture | None = None, **replacements: Any) -> None:
        """Publish one frame; keyword None leaves an input out, a message takes its place."""
        picture = picture or Picture()
        messages: dict[str, Any] = {
            "camera_info": camera_info_message(),
            "image": image_message(picture.color, "rgb8"),
            "depth": image_message(picture.depth_mm, "16UC1"),
            "mask": image_message(picture.labels.astype(np.uint8), "mono8"),
        }
        kinds = {name: type(message) for name, message in messages.items()}
        frame_id = replacements.pop("frame_id", CAMERA_FRAME)
        messages.update(replacements)
        for name, message in messages.items():
            if message is not None:
                publisher = self.publisher(name.replace("__", "/"), kinds.get(name, type(message)))
                publisher.publish(stamped(message, seconds, frame_id))

    def answer(self, seconds: float, what: str = "the answer to a frame") -> tuple[Any, list[Any]]:
        """The complete objects message and the rejections of a frame, once its rejections are out."""

        def find() -> Any:
            return next((m for m in self.received["rejections"] if abs(stamp_of(m) - seconds) < 1e-6), None)

        rejections = self.until(find, f"{what} at {seconds} s")
        self._drain()
        objects = [m for m in self.received["objects"] if abs(stamp_of(m) - seconds) < 1e-6]
        if not rejections.rejections:
            objects = self.until(
                lambda: [m for m in self.received["objects"] if abs(stamp_of(m) - seconds) < 1e-6], "objects"
            )
        return (objects[-1] if objects else None), list(rejections.rejections)

    def _drain(self) -> None:
        """Take what is there already: the executor may hand rejections out before objects that were sent earlier."""
        idle = 0
        while idle < 3:
            before = sum(len(messages) for messages in self.received.values())
            self.executor.spin_once(timeout_sec=0.001)
            idle = idle + 1 if sum(len(messages) for messages in self.received.values()) == before else 0

    def exchange(self, seconds: float, picture: Picture | None = None, **replacements: Any) -> tuple[Any, list[Any]]:
        """Send a frame and wait for its answer."""
        self.send(seconds, picture, **replacements)
        return self.answer(seconds)

    def status(self, name: str, *, containing: str = "") -> DiagnosticStatus:
        """The newest diagnostic status of that name whose text and values contain the words."""
        self.received["diagnostics"].clear()

        def find() -> Any:
            for array in reversed(self.received["diagnostics"]):
                for status in array.status:
                    if status.name == f"sam3d: {name}" and containing in text_of(status):
                        return status
            return None

        return self.until(find, f"diagnostics '{name}' with {containing!r}")


def text_of(status: DiagnosticStatus) -> str:
    return "\n".join([status.message, *(f"{item.key}: {item.value}" for item in status.values)])
