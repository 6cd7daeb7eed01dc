"""Known objects are followed through rendered sequences whose motion is known."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.geometry import SE3
from sam3d_ros.geometry.box_mesh import box_mesh
from sam3d_ros.pipeline import RejectionReason
from sam3d_ros.tracking import ObjectState
from sam3d_ros.tracking.config import TrackingConfig
from sam3d_ros.tracking.tracker import SceneTracker

FRAME_NS = 33_000_000


def errors(T_est: SE3, T_true: SE3) -> tuple[float, float]:
    """Metres and degrees between two poses."""
    difference = T_true.inverse() @ T_est
    angle = 2 * np.arccos(np.clip(abs(difference.quat_wxyz[0]), 0, 1))
    return float(np.linalg.norm(T_est.translation_xyz - T_true.translation_xyz)), float(np.degrees(angle))


def tracker_of(world, knowing_backend, **config) -> SceneTracker:
    tracker = SceneTracker(knowing_backend(world), TrackingConfig(**config))
    tracker.load()
    return tracker


def test_an_object_that_moves_and_turns_is_followed(world, knowing_backend) -> None:
    world.add(1, [0.0, 0.0, 0.7])
    tracker = tracker_of(world, knowing_backend)
    tracker.process(world.frame(0))
    for k in range(1, 25):
        world.move(1, [0.004, 0.0, 0.003], yaw=np.radians(2))
        update = tracker.process(world.frame(k * FRAME_NS, seed=k))
        (obj,) = update.objects
        metres, degrees = errors(obj.T_ref_obj, world.T_cam_obj(1))
        assert (obj.object_id, obj.state, obj.mesh_version) == (1, ObjectState.COMPLETE, 1)
        assert obj.stamp_ns == k * FRAME_NS
        assert metres < 0.002
        assert degrees < 1.5
    assert tracker.backend.asked == [1]


def test_a_moving_camera_leaves_resting_objects_where_they_are(world, knowing_backend) -> None:
    world.add(1, [-0.1, 0.0, 0.7])
    world.add(2, [0.1, 0.0, 0.8], yaw=1.0)
    tracker = tracker_of(world, knowing_backend)
    for k in range(15):
        world.T_world_cam = SE3(np.array([1.0, 0.002 * k, 0.008 * k, 0.0]), np.array([-0.008 * k, 0.0, 0.002 * k]))
        update = tracker.process(world.frame(k * FRAME_NS, seed=k), T_ref_cam=world.T_world_cam)
        assert [obj.object_id for obj in update.objects] == [1, 2]
        for obj in update.objects:
            metres, degrees = errors(obj.T_ref_obj, world.T_world_obj[obj.label])
            assert metres < 0.002
            assert degrees < 1.5
    assert tracker.backend.asked == [1, 2]


def test_a_moving_camera_without_a_reference_frame_is_followed_too(world, knowing_backend) -> None:
    world.add(1, [0.0, 0.0, 0.7])
    tracker = tracker_of(world, knowing_backend)
    for k in range(15):
        world.T_world_cam = SE3(np.array([1.0, 0.0, 0.004 * k, 0.0]), np.array([-0.006 * k, 0.0, 0.0]))
        (obj,) = tracker.process(world.frame(k * FRAME_NS, seed=k)).objects
        assert obj.object_id == 1
        assert errors(obj.T_ref_obj, world.T_cam_obj(1))[0] < 0.002


def test_covariance_is_turned_into_the_reference_frame(world, knowing_backend) -> None:
    world.add(1, [0.0, 0.0, 0.7], mesh=box_mesh(np.array([0.1, 0.1, 0.1]), color=np.full(3, 100.0)))
    quarter = SE3(np.array([1.0, 0.0, 0.0, 1.0]), np.zeros(3))  # reference x is the camera's -y
    results = []
    for T_ref_cam in (SE3.identity(), quarter):
        tracker = tracker_of(world, knowing_backend)
        tracker.process(world.frame(0), T_ref_cam=T_ref_cam)
        results.append(tracker.process(world.frame(FRAME_NS, seed=1), T_ref_cam=T_ref_cam).objects[0].covariance)
    turn = np.kron(np.eye(2), quarter.rotation)
    np.testing.assert_allclose(results[1], turn @ results[0] @ turn.T, rtol=1e-3, atol=1e-12)


def test_a_quick_jump_is_followed_by_its_label(world, knowing_backend) -> None:
    world.add(1, [0.0, 0.0, 0.7])
    tracker = tracker_of(world, knowing_backend, max_speed=3.0)
    tracker.process(world.frame(0))
    world.move(1, [0.13, 0.0, 0.0])  # beyond its own size within one frame
    (obj,) = tracker.process(world.frame(FRAME_NS, seed=1)).objects
    assert obj.object_id == 1
    assert errors(obj.T_ref_obj, world.T_cam_obj(1))[0] < 0.003


def test_a_mesh_that_does_not_fit_any_more_stays_and_is_then_made_anew(world, knowing_backend) -> None:
    world.add(1, [0.0, 0.0, 0.7])
    tracker = tracker_of(world, knowing_backend, bad_frames_before_reconstruction=3)
    before = tracker.process(world.frame(0)).objects[0]
    world.meshes[1] = box_mesh(np.array([0.03, 0.03, 0.3]), color=np.full(3, 100.0), cells=4)
    for k in (1, 2):
        update = tracker.process(world.frame(k * FRAME_NS, seed=k))
        (obj,) = update.objects
        assert obj.state is ObjectState.UNSEEN
        assert obj.T_ref_obj is before.T_ref_obj
        assert obj.stamp_ns == 0
        assert [r.reason for r in update.rejections] == [RejectionReason.LOW_DEPTH_AGREEMENT]
    update = tracker.process(world.frame(3 * FRAME_NS, seed=3))
    (obj,) = update.objects
    assert (obj.object_id, obj.mesh_version, obj.state) == (1, 2, ObjectState.COMPLETE)
    assert obj.mesh is world.meshes[1]
    assert update.rejections == ()
    assert tracker.backend.asked == [1, 1]


def test_a_mask_without_depth_keeps_the_object_and_says_why(world, knowing_backend) -> None:
    world.add(1, [0.0, 0.0, 0.7])
    tracker = tracker_of(world, knowing_backend)
    tracker.process(world.frame(0))
    frame = world.frame(FRAME_NS)
    frame.pointmap[frame.labels == 1] = np.nan
    update = tracker.process(frame)
    assert [(obj.object_id, obj.state) for obj in update.objects] == [(1, ObjectState.UNSEEN)]
    assert [r.reason for r in update.rejections] == [RejectionReason.TOO_FEW_DEPTH_POINTS]


def test_without_following_objects_stay_where_they_were_first_seen(world, knowing_backend) -> None:
    world.add(1, [0.0, 0.0, 0.7])
    tracker = tracker_of(world, knowing_backend, follow=False)
    first = tracker.process(world.frame(0)).objects[0]
    world.move(1, [0.01, 0.0, 0.0])
    (obj,) = tracker.process(world.frame(FRAME_NS)).objects
    assert obj.T_ref_obj is first.T_ref_obj
    assert obj.object_id == 1


def test_an_object_hidden_by_half_is_followed(world, knowing_backend) -> None:
    world.add(1, [0.0, 0.0, 0.8])
    tracker = tracker_of(world, knowing_backend)
    tracker.process(world.frame(0))
    for k in range(1, 6):
        frame = world.frame(k * FRAME_NS, seed=k)
        hidden = np.s_[:, : 140 + 4 * k]  # by something 0.4 m before the camera
        frame.labels[hidden] = 0
        frame.pointmap[hidden] = (world.camera.rays()[hidden] * 0.4).astype(np.float32)
        (obj,) = tracker.process(frame).objects
        assert obj.state is ObjectState.COMPLETE
        assert errors(obj.T_ref_obj, world.T_cam_obj(1))[0] < 0.004


@pytest.mark.parametrize("count", [20])
def test_twenty_objects_are_followed_side_by_side(world, knowing_backend, count) -> None:
    for k in range(count):
        world.add(k + 1, [-0.44 + 0.22 * (k % 5), -0.35 + 0.23 * (k // 5), 1.3], yaw=0.3 * k)
    tracker = tracker_of(world, knowing_backend)
    tracker.process(world.frame(0))
    for k in range(1, 4):
        for label in world.meshes:
            world.move(label, [0.003, 0.0, 0.0], yaw=0.01)
        update = tracker.process(world.frame(k * FRAME_NS, seed=k))
        assert [obj.object_id for obj in update.objects] == list(range(1, count + 1))
        assert max(errors(obj.T_ref_obj, world.T_cam_obj(obj.label))[0] for obj in update.objects) < 0.004
