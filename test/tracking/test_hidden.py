"""What is hidden for a second is said to be unseen, and comes back as the same object."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sam3d_ros.geometry import SE3
from sam3d_ros.geometry.box_mesh import box_mesh
from sam3d_ros.geometry.metrics import rotation_error, translation_error
from sam3d_ros.pipeline import RejectionReason
from sam3d_ros.tracking import ObjectState
from sam3d_ros.tracking.config import TrackingConfig
from sam3d_ros.tracking.motion import Motion
from sam3d_ros.tracking.tracker import SceneTracker

from .conftest import LOOK_DOWN, rotation_about

STEP_NS = 100_000_000  # ten frames a second
BOARD = 9


def hold_board(world, *, before: int, gap: float = 0.15) -> None:
    """A board 26 cm wide, `gap` metres before an object, on the line of sight."""
    p_cam = world.T_world_obj[before].translation_xyz
    world.meshes[BOARD] = box_mesh(np.array([0.26, 0.02, 0.26]), color=np.full(3, 90.0), cells=2)
    world.T_world_obj[BOARD] = SE3.from_rotation(LOOK_DOWN, p_cam * (1 - gap / np.linalg.norm(p_cam)))


def drop_board(world) -> None:
    world.meshes.pop(BOARD, None)
    world.T_world_obj.pop(BOARD, None)


@pytest.mark.parametrize("labels", ["kept", "shuffled", "shuffled, and the board has one"])
@pytest.mark.parametrize(("speed", "turning"), [(0.0, 0.0), (0.03, 30.0), (0.1, 45.0)])
def test_an_object_hidden_for_a_second_comes_back_where_it_went(world, knowing_backend, labels, speed, turning) -> None:
    """`speed` in m/s and `turning` in degrees a second, all the time."""
    world.add(1, [-0.08, 0.0, 0.8])
    world.add(2, [0.25, 0.04, 1.0], yaw=1.0)
    backend, rng, states = knowing_backend(world), np.random.default_rng(0), []
    tracker = SceneTracker(backend)
    for k in range(20):
        world.move(1, [0.1 * speed, 0, 0], yaw=np.radians(0.1 * turning))
        drop_board(world)
        if 5 <= k < 15:
            hold_board(world, before=1)
        drawn = (1, 2, BOARD) if labels == "kept" else [int(label) for label in rng.permutation(50)[:3] + 1]
        relabel = dict(zip((1, 2, BOARD), drawn, strict=True)) | ({} if "board" in labels else {BOARD: 0})
        backend.by_label = {label: key for key, label in relabel.items()}
        update = tracker.process(world.frame(k * STEP_NS, relabel=relabel, seed=k))
        item = {item.object_id: item for item in update.objects}[1]
        states.append(item.state)
        assert update.removed_ids == ()
        assert item.mesh_version == 1
        assert item.stamp_ns == (4 if 5 <= k < 15 else k) * STEP_NS
        if item.state is ObjectState.COMPLETE:
            assert translation_error(item.T_ref_obj, world.T_cam_obj(1)) < 0.003, f"frame {k}"
            assert rotation_error(item.T_ref_obj, world.T_cam_obj(1)) < np.radians(2), f"frame {k}"
    assert states == [ObjectState.COMPLETE] * 5 + [ObjectState.UNSEEN] * 10 + [ObjectState.COMPLETE] * 5
    assert len(update.objects) == (3 if "board" in labels else 2)


def test_another_shape_that_appears_where_something_was_hidden_is_another_object(world, knowing_backend) -> None:
    world.add(1, [0.0, 0.0, 0.8])
    backend = knowing_backend(world)
    tracker = SceneTracker(backend)
    for k in range(3):
        tracker.process(world.frame(k * STEP_NS, seed=k))
    for k in range(3, 8):
        tracker.process(world.frame(k * STEP_NS, hidden=[1]))
    world.meshes[1] = box_mesh(np.array([0.03, 0.03, 0.2]), color=np.full(3, 100.0), cells=4)
    world.move(1, [0.1, 0.0, 0.0])
    backend.by_label = {5: 1}
    update = tracker.process(world.frame(8 * STEP_NS, relabel={1: 5}))
    assert [(item.object_id, item.state) for item in update.objects] == [
        (1, ObjectState.UNSEEN),
        (2, ObjectState.COMPLETE),
    ]


def sliver(frame, share: float):
    """The frame with a board 20 cm before all but the right `share` of the object's mask."""
    _, u = np.nonzero(frame.labels == 1)
    hidden = (np.arange(frame.labels.shape[1]) < np.quantile(u, 1 - share)) & np.ones_like(frame.labels, bool)
    pointmap = np.where(hidden[..., None], frame.camera.rays() * 0.4, frame.pointmap).astype(np.float32)
    return replace(frame, labels=np.where(hidden, 0, frame.labels), pointmap=pointmap)


@pytest.mark.parametrize(("share", "state"), [(0.05, ObjectState.UNSEEN), (0.3, ObjectState.COMPLETE)])
def test_what_is_hidden_but_for_a_sliver_stays_and_is_not_made_anew(world, knowing_backend, share, state) -> None:
    world.add(1, [0.0, 0.0, 0.5])
    backend = knowing_backend(world)
    tracker = SceneTracker(backend)
    for k in range(4):
        (before,) = tracker.process(world.frame(k * STEP_NS, seed=k)).objects
    for k in range(4, 14):
        update = tracker.process(sliver(world.frame(k * STEP_NS, seed=k), share))
        (item,) = update.objects
        assert (item.object_id, item.state) == (1, state)
        assert translation_error(item.T_ref_obj, before.T_ref_obj) < 0.003
    reasons = [(item.reason, "min_view is 10%" in item.detail) for item in update.rejections]
    assert reasons == ([(RejectionReason.TOO_FEW_DEPTH_POINTS, True)] if state is ObjectState.UNSEEN else [])
    assert backend.asked == [1]


def test_any_sliver_will_do_without_a_smallest_view(world, knowing_backend) -> None:
    world.add(1, [0.0, 0.0, 0.5])
    tracker = SceneTracker(knowing_backend(world), TrackingConfig(min_view=0.0))
    tracker.process(world.frame(0))
    (item,) = tracker.process(sliver(world.frame(STEP_NS, seed=1), 0.05)).objects
    assert item.state is ObjectState.COMPLETE


def test_what_was_turned_at_once_is_found_again(world, knowing_backend) -> None:
    """By 70 degrees between two frames, in full view: the next pose that fits is a wrong one."""
    world.add(1, [0.0, 0.0, 0.7])
    tracker = SceneTracker(knowing_backend(world))
    for k in range(4):
        tracker.process(world.frame(k * STEP_NS, seed=k))
    world.move(1, [0, 0, 0], yaw=np.radians(70))
    for k in range(4, 7):
        (item,) = tracker.process(world.frame(k * STEP_NS, seed=k), reconstruct="none").objects
    assert rotation_error(item.T_ref_obj, world.T_cam_obj(1)) < np.radians(2)
    assert translation_error(item.T_ref_obj, world.T_cam_obj(1)) < 0.003


def test_a_turn_about_an_axis_that_is_not_known_is_not_expected_to_go_on() -> None:
    before, seconds = SE3.identity(), 0.1
    now = SE3.from_rotation(rotation_about([0, 0, 1], 0.1) @ rotation_about([1, 0, 0], 0.1), np.zeros(3))
    known, vague = 0.01**2, 0.2**2
    motion = Motion().after(before, now, seconds, covariance=np.diag([1e-6] * 3 + [known, known, vague]))
    assert abs(motion.turning_xyz[2]) < 0.01
    assert motion.turning_xyz[0] > 0.4
