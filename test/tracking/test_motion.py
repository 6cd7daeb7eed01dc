"""Constant velocity: what is expected of the next frame."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.geometry import SE3
from sam3d_ros.geometry.metrics import rotation_error, translation_error
from sam3d_ros.tracking import ObjectState
from sam3d_ros.tracking.motion import Motion
from sam3d_ros.tracking.tracker import SceneTracker

from .conftest import FRAME_NS, World, rotation_about

VELOCITY, TURNING = np.array([0.3, -0.1, 0.2]), 1.2  # m/s, rad/s about z


def moved(seconds: float) -> SE3:
    return SE3.from_rotation(rotation_about([0, 0, 1], TURNING * seconds), VELOCITY * seconds)


def after_steps(count: int, *, seconds: float = 0.1) -> Motion:
    motion = Motion()
    for k in range(count):
        motion = motion.after(moved(k * seconds), moved((k + 1) * seconds), seconds)
    return motion


def test_a_steady_motion_is_expected_to_go_on():
    expected = after_steps(8).ahead(moved(0.8), 0.1)
    assert translation_error(expected, moved(0.9)) < 0.001
    assert rotation_error(expected, moved(0.9)) < 0.005


def test_the_first_step_already_counts_for_more_than_half():
    expected = after_steps(1).ahead(moved(0.1), 0.1)
    assert translation_error(expected, moved(0.2)) < 0.5 * translation_error(moved(0.1), moved(0.2))


def test_what_trembles_rests():
    rng, motion, pose = np.random.default_rng(0), Motion(), SE3.identity()
    for _ in range(30):
        now = SE3.from_rotation(rotation_about([1, 0, 0], rng.normal(0, 0.005)), rng.normal(0, 0.0008, 3))
        motion, pose = motion.after(pose, now, 1 / 30), now
    assert translation_error(motion.ahead(pose, 1 / 30), pose) < 1e-4
    assert rotation_error(motion.ahead(pose, 1 / 30), pose) < 1e-3


@pytest.mark.parametrize("seconds", [0.0, -0.1, 0.6])
def test_after_a_gap_or_a_step_back_in_time_nothing_is_known_of_a_motion(seconds):
    motion = after_steps(5)
    assert motion.ahead(moved(0.5), seconds).as_matrix() == pytest.approx(moved(0.5).as_matrix())
    assert not motion.after(moved(0.5), moved(0.6), seconds).velocity_xyz.any()


def test_an_object_pushed_quickly_at_five_frames_a_second_is_followed(world: World, knowing_backend):
    """12 cm between frames: as far as the object is wide, with labels that change."""
    world.add(1, [-0.3, 0.0, 0.9])
    world.add(2, [0.3, 0.15, 1.0])
    tracker = SceneTracker(knowing_backend(world))
    tracker.process(world.frame(0))
    ids = {item.label: item.object_id for item in tracker.objects}
    speed, step = 0.0, 6 * FRAME_NS
    for k in range(1, 6):
        speed = min(speed + 0.15, 0.6)
        world.move(1, [speed * step * 1e-9, 0.0, 0.0])
        relabel = {1: 10 + k, 2: 30 + k}
        update = tracker.process(world.frame(k * step, relabel=relabel, seed=k), reconstruct="none")
        found = {item.object_id: item for item in update.objects}
        for label, object_id in ids.items():
            assert found[object_id].state is ObjectState.COMPLETE, f"object {label} was lost in frame {k}"
            assert found[object_id].label == relabel[label]
            assert translation_error(found[object_id].T_ref_obj, world.T_cam_obj(label)) < 0.003
