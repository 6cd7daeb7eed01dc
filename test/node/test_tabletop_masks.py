"""The node tabletop_masks over DDS: a table with two boxes in, a label image out."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

HEIGHT, WIDTH, FOCAL = 240, 320, 300.0


def table_depth_mm(boxes: bool) -> np.ndarray:
    """A table seen from above at an angle, with two boxes on it."""
    from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
    from sam3d_ros.geometry.render import render

    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)], np.float32)
    faces = np.array([[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]], np.int32)
    faces = np.vstack([faces, [[2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]]).astype(np.int32)

    def box(size: tuple[float, float, float], centre: tuple[float, float, float]) -> Mesh:
        return Mesh(corners * np.float32(size) + np.float32(centre), faces, np.full((8, 3), 128, np.uint8))

    meshes = [box((2.0, 2.0, 0.02), (0, 0, -0.01))]
    if boxes:
        meshes += [box((0.08, 0.1, 0.12), (-0.12, 0, 0.06)), box((0.1, 0.08, 0.09), (0.12, 0.03, 0.045))]
    tilt = np.deg2rad(140)  # the camera looks down at 50 degrees below the horizon
    rotation = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    T_cam_table = SE3.from_rotation(rotation, [0, 0.02, 0.7])
    camera = PinholeCamera(WIDTH, HEIGHT, FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2)
    depth = render(meshes, [T_cam_table] * len(meshes), camera).depth
    return np.nan_to_num(depth * 1000).astype(np.uint16)


class Camera:
    """Publishes frames to a tabletop_masks node and hears its masks."""

    def __init__(self, messages: Any, node: Any) -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.qos import qos_profile_sensor_data
        from sensor_msgs.msg import CameraInfo, Image

        self.messages = messages
        self.node = node
        self.client = rclpy.create_node("camera")
        self.masks: list[Any] = []
        self.client.create_subscription(Image, "mask", self.masks.append, qos_profile_sensor_data)
        kinds = {"image": Image, "depth": Image, "camera_info": CameraInfo}
        self.publishers = {name: self.client.create_publisher(kind, name, 5) for name, kind in kinds.items()}
        self.executor = SingleThreadedExecutor()
        for member in (node, self.client):
            self.executor.add_node(member)
        # The node takes the reliability of its publishers once it sees them; what comes just then is lost.
        self.until(lambda: all(self._is_reliable(name) for name in kinds))
        self.until(lambda: all(p.get_subscription_count() for p in self.publishers.values()))
        self.until(lambda: self.client.count_publishers("mask") == 1)

    def _is_reliable(self, topic: str) -> bool:
        from rclpy.qos import ReliabilityPolicy

        listeners = self.client.get_subscriptions_info_by_topic(topic)
        return {info.qos_profile.reliability for info in listeners} == {ReliabilityPolicy.RELIABLE}

    def until(self, condition: Callable[[], Any], timeout: float = 10.0) -> Any:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.executor.spin_once(timeout_sec=0.02)
            if value := condition():
                return value
        raise AssertionError("what was waited for did not happen")

    def send(self, seconds: float, depth_mm: np.ndarray) -> None:
        camera_info = self.messages.camera_info_message(WIDTH, HEIGHT)
        camera_info.k = [FOCAL, 0.0, WIDTH / 2, 0.0, FOCAL, HEIGHT / 2, 0.0, 0.0, 1.0]
        color = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
        for name, message in (
            ("camera_info", camera_info),
            ("image", self.messages.image_message(color, "rgb8")),
            ("depth", self.messages.image_message(depth_mm, "16UC1")),
        ):
            self.publishers[name].publish(self.messages.stamped(message, seconds, self.messages.CAMERA_FRAME))

    def exchange(self, seconds: float, depth_mm: np.ndarray) -> tuple[Any, np.ndarray]:
        """The mask message of a frame and its labels."""
        self.masks.clear()
        self.send(seconds, depth_mm)
        message = self.until(lambda: self.masks[-1] if self.masks else None)
        labels = np.frombuffer(message.data, np.uint16).reshape(message.height, message.width)
        return message, labels


@pytest.fixture
def camera(ros: None, messages: Any) -> Iterator[Camera]:
    from sam3d_ros.node.tabletop_masks import TabletopMasks

    camera = Camera(messages, TabletopMasks())
    yield camera
    camera.executor.shutdown()
    camera.node.close()
    camera.client.destroy_node()


def test_two_boxes_on_a_table_give_two_masks_under_the_stamp_of_the_image(camera: Camera) -> None:
    message, labels = camera.exchange(5.0, table_depth_mm(boxes=True))
    assert (message.encoding, message.header.frame_id) == ("16UC1", camera.messages.CAMERA_FRAME)
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (5, 0)
    assert sorted(np.unique(labels)) == [0, 1, 2]


def test_labels_stay_with_their_objects(camera: Camera) -> None:
    depth_mm = table_depth_mm(boxes=True)
    _, first = camera.exchange(5.0, depth_mm)
    _, second = camera.exchange(5.1, np.roll(depth_mm, 4, axis=1))
    assert set(np.unique(first)) == set(np.unique(second))
    assert np.mean(np.roll(first, 4, axis=1) == second) > 0.97


def test_an_empty_table_gives_an_empty_label_image(camera: Camera) -> None:
    _, labels = camera.exchange(5.0, table_depth_mm(boxes=False))
    assert not labels.any()


def test_a_frame_without_depth_says_why_there_are_no_masks(camera: Camera) -> None:
    _, labels = camera.exchange(5.0, np.zeros((HEIGHT, WIDTH), np.uint16))
    assert not labels.any()
    assert "no support plane" in camera.node._maker.fault


def test_after_a_jump_back_in_time_masks_go_on(camera: Camera) -> None:
    camera.exchange(50.0, table_depth_mm(boxes=True))
    message, labels = camera.exchange(5.0, table_depth_mm(boxes=True))
    assert message.header.stamp.sec == 5
    assert len(np.unique(labels)) == 3


@pytest.mark.parametrize(("setting", "words"), [("min_depth:=3.0", "min_depth 3.0"), ("min_pixels:=0", "min_pixels")])
def test_a_bad_parameter_is_refused_in_one_line_with_its_value(setting: str, words: str) -> None:
    command = [sys.executable, "-m", "sam3d_ros.node.tabletop_main", "--ros-args", "-p", setting]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
