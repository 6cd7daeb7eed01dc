"""A client of a running node: sends one frame, hears everything."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="session")
def frames() -> ModuleType:
    """Makers of pictures and messages, shared with the node tests."""
    pytest.importorskip("rclpy", reason="rclpy is not installed: launch tests need ROS 2")
    path = Path(__file__).parents[1] / "node" / "node_rig.py"
    spec = importlib.util.spec_from_file_location("node_rig_for_launch", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Client:
    """Publishes the inputs and collects the outputs of the node in a namespace."""

    def __init__(self, frames: ModuleType, namespace: str) -> None:
        import rclpy
        from diagnostic_msgs.msg import DiagnosticArray
        from rclpy.executors import SingleThreadedExecutor
        from sam3d_ros.msg import ReconstructedObjectArray, RejectionArray
        from sensor_msgs.msg import CameraInfo, Image
        from tf2_msgs.msg import TFMessage
        from visualization_msgs.msg import MarkerArray

        self.frames = frames
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("client", namespace=namespace, context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.received: dict[str, list[Any]] = defaultdict(list)
        for topic, kind, qos in (
            ("sam3d/objects", ReconstructedObjectArray, frames.LATCHED),
            ("sam3d/markers", MarkerArray, frames.LATCHED),
            ("sam3d/rejections", RejectionArray, 10),
            ("/tf", TFMessage, 100),
            ("/diagnostics", DiagnosticArray, 100),
        ):
            self.node.create_subscription(kind, topic, self.received[topic].append, qos)
        kinds = {"image": Image, "depth": Image, "mask": Image, "camera_info": CameraInfo}
        self.publishers = {name: self.node.create_publisher(kind, name, 10) for name, kind in kinds.items()}

    def until(self, condition: Callable[[], Any], what: str, timeout: float = 60.0) -> Any:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.executor.spin_once(timeout_sec=0.05)
            if value := condition():
                return value
        raise AssertionError(
            f"{what} did not come within {timeout:g} s; topics: {self.node.get_topic_names_and_types()}"
        )

    def send(self, seconds: float) -> None:
        picture = self.frames.Picture()
        for name, message in {
            "camera_info": self.frames.camera_info_message(),
            "image": self.frames.image_message(picture.color, "rgb8"),
            "depth": self.frames.image_message(picture.depth_mm, "16UC1"),
            "mask": self.frames.image_message(picture.labels.astype("uint8"), "mono8"),
        }.items():
            self.publishers[name].publish(self.frames.stamped(message, seconds, self.frames.CAMERA_FRAME))

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()


@pytest.fixture
def check_one_frame(frames: ModuleType) -> Iterator[Callable[[str], None]]:
    """Sends a frame with two masks to the node in a namespace; asserts objects, TF, markers and diagnostics."""
    clients: list[Client] = []

    def check(namespace: str) -> None:
        client = Client(frames, namespace)
        clients.append(client)
        client.until(lambda: all(p.get_subscription_count() for p in client.publishers.values()), "subscriptions")
        client.until(lambda: client.node.count_publishers("sam3d/objects"), "the node's publishers")
        stamps = iter(range(100, 10_000))

        def objects() -> Any:
            """The first frames may be lost while both sides find each other."""
            client.send(float(next(stamps)))
            complete = [m for m in client.received["sam3d/objects"] if len(m.objects) == 2]
            return [m for m in complete if all(o.state == o.STATE_COMPLETE for o in m.objects)]

        message = client.until(objects, "two complete objects")[-1]
        children = {item.child_frame_id for item in message.objects}
        assert children == {"object_1", "object_2"}
        assert message.header.frame_id == frames.CAMERA_FRAME
        sent = client.until(
            lambda: [t for m in client.received["/tf"] for t in m.transforms if t.child_frame_id in children], "TF"
        )
        assert {t.header.frame_id for t in sent} == {frames.CAMERA_FRAME}
        client.until(
            lambda: [k for m in client.received["sam3d/markers"] for k in m.markers if k.ns == "mesh" and k.points],
            "mesh markers",
        )
        client.until(
            lambda: [s for m in client.received["/diagnostics"] for s in m.status if s.name.endswith("sam3d: objects")],
            "diagnostics",
        )

    yield check
    for client in clients:
        client.close()
