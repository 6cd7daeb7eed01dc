"""What rests stays at rest, and what moves is not held back by more than its uncertainty."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.geometry import SE3
from sam3d_ros.geometry.lie import so3_exp
from sam3d_ros.geometry.metrics import rotation_error, translation_error
from sam3d_ros.tracking.config import TrackingConfig
from sam3d_ros.tracking.steadying import Steadied
from sam3d_ros.tracking.tracker import SceneTracker

from .conftest import FRAME_NS, rotation_about

TRUE = SE3.from_rotation(rotation_about([1, 2, 3], 0.8), [0.1, 0.2, 0.3])
DEVIATIONS = np.array([0.001, 0.001, 0.002, 0.01, 0.01, 0.02])
STEP = 1 / 30


def measured(rng: np.random.Generator, pose: SE3 = TRUE, deviations: np.ndarray = DEVIATIONS) -> Steadied:
    error = rng.standard_normal(6) * deviations
    turned = SE3(so3_exp(error[3:]), np.zeros(3)).rotation @ pose.rotation
    return Steadied(SE3.from_rotation(turned, pose.translation_xyz + error[:3]), np.diag(deviations**2))


def test_noise_about_a_resting_pose_is_averaged():
    rng = np.random.default_rng(0)
    held, errors = measured(rng), []
    for k in range(300):
        now = measured(rng)
        held = held.after(now, STEP)
        if k > 30:
            errors.append([translation_error(held.T_ref_obj, TRUE), translation_error(now.T_ref_obj, TRUE)])
    ours, raw = np.sqrt((np.array(errors) ** 2).mean(axis=0))
    assert ours < 0.5 * raw
    assert rotation_error(held.T_ref_obj, TRUE) < 0.01


def test_of_two_equal_measurements_the_middle_is_taken_and_the_variance_is_half():
    first = Steadied(TRUE, np.diag(DEVIATIONS**2))
    beside = SE3(TRUE.quat_wxyz, TRUE.translation_xyz + [0.002, 0, 0])
    held = first.after(Steadied(beside, np.diag(DEVIATIONS**2)), 0.0)
    np.testing.assert_allclose(held.T_ref_obj.translation_xyz, TRUE.translation_xyz + [0.001, 0, 0], atol=1e-9)
    np.testing.assert_allclose(held.covariance, np.diag(DEVIATIONS**2) / 2, atol=1e-12)


@pytest.mark.parametrize("move", [[0.01, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0.2]])
def test_a_real_motion_is_taken_at_once(move):
    rng, move = np.random.default_rng(1), np.array(move)
    held = measured(rng)
    for _ in range(50):
        held = held.after(measured(rng), STEP)
    turned = SE3(so3_exp(move[3:]), np.zeros(3)).rotation @ TRUE.rotation
    there = SE3.from_rotation(turned, TRUE.translation_xyz + move[:3])
    after = held.after(measured(rng, there), STEP)
    np.testing.assert_array_less(np.abs(after.T_ref_obj.translation_xyz - there.translation_xyz), 2.5 * DEVIATIONS[:3])
    assert rotation_error(after.T_ref_obj, there) < 2.5 * DEVIATIONS[5]


@pytest.mark.parametrize("speed", [0.002, 0.01, 0.04, 0.2])
def test_a_slow_motion_is_never_far_behind(speed):
    rng = np.random.default_rng(2)
    held, behind = measured(rng), []
    for k in range(1, 200):
        pose = SE3(TRUE.quat_wxyz, TRUE.translation_xyz + [speed * k * STEP, 0, 0])
        held = held.after(measured(rng, pose), STEP)
        behind.append(held.T_ref_obj.translation_xyz[0] - pose.translation_xyz[0])
    assert np.quantile(np.abs(behind), 0.95) < 3.5 * DEVIATIONS[0]


def test_what_is_not_observed_is_not_dragged_about():
    """A direction with a deviation of a radian keeps its value, whatever is measured along it."""
    rng, deviations = np.random.default_rng(3), np.array([*DEVIATIONS[:5], 1.0])
    held = Steadied(TRUE, np.diag(DEVIATIONS**2))
    for _ in range(30):
        held = held.after(measured(rng, deviations=deviations), STEP)
    assert rotation_error(held.T_ref_obj, TRUE) < 0.05


@pytest.mark.parametrize(("steady", "fixed"), [(True, True), (False, True), (True, False)])
def test_the_tracker_steadies_in_a_fixed_frame_only(world, knowing_backend, steady, fixed):
    world.add(1, [0.0, 0.0, 0.8])
    world.noise = 0.003
    tracker = SceneTracker(knowing_backend(world), TrackingConfig(steady=steady))
    places = []
    for k in range(40):
        reference = world.T_world_cam if fixed else None
        (item,) = tracker.process(world.frame(k * FRAME_NS, seed=k), T_ref_cam=reference).objects
        places.append(item.T_ref_obj.translation_xyz)
    trembling = np.linalg.norm(np.diff(places[10:], axis=0), axis=1).mean()
    raw = _trembling_without(world, knowing_backend)
    if steady and fixed:
        assert trembling < 0.4 * raw
    else:
        assert trembling == pytest.approx(raw, rel=1e-6)


def _trembling_without(world, knowing_backend) -> float:
    tracker = SceneTracker(knowing_backend(world), TrackingConfig(steady=False))
    places = [
        tracker.process(world.frame(k * FRAME_NS, seed=k)).objects[0].T_ref_obj.translation_xyz for k in range(40)
    ]
    return float(np.linalg.norm(np.diff(places[10:], axis=0), axis=1).mean())


@pytest.mark.parametrize("speed", [0.06, 0.1, 0.2])
def test_a_motion_that_goes_on_is_noticed_before_it_is_far(speed):
    """Some millimetres from frame to frame, each within the errors, all to the same side."""
    rng = np.random.default_rng(4)
    held, behind = measured(rng), []
    for k in range(1, 300):
        pose = SE3(TRUE.quat_wxyz, TRUE.translation_xyz + [speed * k * STEP, 0, 0])
        held = held.after(measured(rng, pose), STEP)
        behind.append(pose.translation_xyz[0] - held.T_ref_obj.translation_xyz[0])
    assert np.mean(behind[10:]) < 0.4 * DEVIATIONS[0]
