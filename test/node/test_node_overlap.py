"""The whole chain with the real backend: what the node publishes covers the masks it was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import Transform, TransformStamped
from tf2_msgs.msg import TFMessage

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.render import render

WIDTH, HEIGHT, FOCAL = 320, 240, 300.0
CAMERA = PinholeCamera(WIDTH, HEIGHT, FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2)
CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)], np.float32)
FACES = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]]
    + [[2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]],
    np.int32,
)


def box(size: tuple[float, float, float], centre: tuple[float, float, float]) -> Mesh:
    return Mesh(CORNERS * np.float32(size) + np.float32(centre), FACES, np.full((8, 3), 150, np.uint8))


def camera_above_the_table(turn_deg: float) -> SE3:
    """T_map_cam of a camera that looks at the middle of the table from 0.7 m away, 50 degrees above it."""
    elevation, turn = np.deg2rad(50), np.deg2rad(turn_deg)
    away = np.array([np.cos(elevation) * np.sin(turn), -np.cos(elevation) * np.cos(turn), np.sin(elevation)])
    forward = -away
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    return SE3.from_rotation(np.stack([right, np.cross(forward, right), forward], axis=1), 0.7 * away)


TABLE = box((2, 2, 0.02), (0, 0, -0.01))
SCENE = [TABLE, box((0.1, 0.08, 0.12), (-0.11, 0, 0.06)), box((0.08, 0.14, 0.07), (0.1, 0, 0.035))]


def seen(T_map_cam: SE3) -> tuple[np.ndarray, np.ndarray]:
    """Depth in millimetres and labels of the scene."""
    view = render(SCENE, [T_map_cam.inverse()] * len(SCENE), CAMERA)
    return np.nan_to_num(view.depth * 1000).astype(np.uint16), np.clip(view.index, 0, None).astype(np.uint8)


def transform_of(pose: SE3) -> Transform:
    message = Transform()
    message.translation.x, message.translation.y, message.translation.z = map(float, pose.translation_xyz)
    q = message.rotation
    q.x, q.y, q.z, q.w = map(float, pose.quat_xyzw)
    return message


def se3_of(message: Transform) -> SE3:
    q, t = message.rotation, message.translation
    return SE3(np.array([q.w, q.x, q.y, q.z]), np.array([t.x, t.y, t.z]))


def mesh_of(item: Any) -> Mesh:
    return Mesh(
        np.array(item.mesh.vertices, np.float32).reshape(-1, 3),
        np.array(item.mesh.triangles, np.int32).reshape(-1, 3),
        np.array(item.mesh.vertex_colors, np.uint8).reshape(-1, 3),
    )


@pytest.fixture
def rig(make_rig: Callable[..., Any]) -> Any:
    from sam3d_ros.node.sam3d_node import make_backend

    return make_rig(factory=make_backend, backend="geometric", target_frame="map", tf_timeout=1.0).up()


def test_meshes_posed_by_the_published_tf_cover_their_masks_while_the_camera_moves(rig: Any, messages: Any) -> None:
    for number, turn_deg in enumerate((0.0, 4.0, 8.0, 12.0)):
        seconds = 50.0 + number
        T_map_cam = camera_above_the_table(turn_deg)
        labels = exchange(rig, messages, seconds, T_map_cam)
        for item in latest_objects(rig, seconds):
            T_map_obj = published_pose(rig, seconds, item.child_frame_id)
            covered = render([mesh_of(item)], [T_map_cam.inverse() @ T_map_obj], CAMERA).index == 0
            mask = labels == item.label
            iou = (covered & mask).sum() / (covered | mask).sum()
            assert iou > 0.85, f"{item.child_frame_id} covers its mask by {iou:.2f} after {turn_deg} degrees"


def exchange(rig: Any, messages: Any, seconds: float, T_map_cam: SE3) -> np.ndarray:
    """Send TF and a frame, wait for its answer; the labels that were sent."""
    depth_mm, labels = seen(T_map_cam)
    tf = TransformStamped(child_frame_id=messages.CAMERA_FRAME, transform=transform_of(T_map_cam))
    rig.publisher("/tf", TFMessage).publish(TFMessage(transforms=[messages.stamped(tf, seconds, "map")]))
    rig.send(
        seconds,
        camera_info=camera_info(messages),
        image=messages.image_message(np.full((HEIGHT, WIDTH, 3), 120, np.uint8), "rgb8"),
        depth=messages.image_message(depth_mm, "16UC1"),
        mask=messages.image_message(labels, "mono8"),
    )
    _, rejections = rig.answer(seconds)
    assert rejections == []
    return labels


def camera_info(messages: Any) -> Any:
    message = messages.camera_info_message(WIDTH, HEIGHT)
    message.k = [FOCAL, 0.0, WIDTH / 2, 0.0, FOCAL, HEIGHT / 2, 0.0, 0.0, 1.0]
    return message


def latest_objects(rig: Any, seconds: float) -> list[Any]:
    """Both objects as they were published last for this frame."""

    def find() -> list[Any]:
        stamped = [m for m in rig.received["objects"] if int(m.header.stamp.sec) == int(seconds)]
        complete = [m for m in stamped if len(m.objects) == 2 and all(o.state == o.STATE_COMPLETE for o in m.objects)]
        return list(complete[-1].objects) if complete else []

    return list(rig.until(find, f"two complete objects at {seconds}"))


def published_pose(rig: Any, seconds: float, child: str) -> SE3:
    """T_map_obj as /tf said it last for this stamp."""

    def find() -> list[Any]:
        sent = [t for m in rig.received["tf"] for t in m.transforms if t.child_frame_id == child]
        return [t for t in sent if int(t.header.stamp.sec) == int(seconds) and t.header.frame_id == "map"]

    return se3_of(rig.until(find, f"TF of {child} at {seconds}")[-1].transform)
