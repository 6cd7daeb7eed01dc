"""Pose errors: laws, and the numbers that the public BOP toolkit gives for the same input.

The toolkit (github.com/thodan/bop_toolkit at cea62d65, functions mssd, mspd, vsd, add, adi of pose_error) ran outside
this project on exactly the inputs that the functions below make. Nine digits of its numbers are kept, and so far they
can agree.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sam3d_ros.geometry import SE3, PinholeCamera, TransformError
from sam3d_ros.geometry.metrics import MetricError, add, add_s
from sam3d_ros.geometry.pose_errors import BOP_SHARES, DepthViews, bop_recall, mspd, mssd, vsd
from sam3d_ros.geometry.symmetries import SymmetryAxis, discretised_symmetries

NINE_DIGITS = 5e-9  # half a unit of the ninth digit, at worst
CAMERA = PinholeCamera(64, 48, 60.0, 58.0, 31.0, 24.5)
HALF_TURN = SE3(np.array([0.0, 1.0, 0.0, 0.0]), np.array([0.0, 0.002, 0.004]))
AXIS = SymmetryAxis(np.array([0.0, 0.0, 1.0]), np.array([0.001, -0.002, 0.0]))
NONE, HALF = discretised_symmetries(), discretised_symmetries([HALF_TURN])
ALL = discretised_symmetries([HALF_TURN], [AXIS])
COARSE = discretised_symmetries([HALF_TURN], [AXIS], step=0.2)  # the same laws, fewer turns to look at
DIAMETER = 0.12


def pose_pair(seed):
    """Model points [300, 3] and two poses, estimated and true: half a turn, 2 rad about z and some noise apart."""
    rng = np.random.default_rng(seed)
    points = rng.normal(scale=0.04, size=(300, 3))
    true_rotation = Rotation.from_rotvec(rng.normal(size=3)).as_matrix()
    noise = Rotation.from_rotvec(rng.normal(scale=0.1, size=3)).as_matrix()
    spin = Rotation.from_rotvec([0.0, 0.0, 2.0 * (seed % 2)]).as_matrix()
    half_turn = np.diag([1.0, -1.0, -1.0])
    centre = np.array([0.02, -0.03, 0.6])
    rotation = true_rotation @ spin @ half_turn @ noise
    T_true = SE3.from_rotation(true_rotation, centre)
    T_est = SE3.from_rotation(rotation, centre + rng.normal(scale=0.01, size=3))
    return points, T_est, T_true


def depth_images(seed):
    """Depth [48, 64] of estimate, truth and scene in metres, 0 where there is nothing."""
    rng = np.random.default_rng(seed)
    v, u = np.mgrid[:48, :64]

    def disc(column, row, radius, depth, slope):
        inside = (u - column) ** 2 + (v - row) ** 2 < radius**2
        return np.where(inside, depth + slope * (u - column) + 0.003 * rng.standard_normal((48, 64)), 0.0)

    truth, estimate = disc(30, 24, 14, 0.6, 0.002), disc(34, 22, 13, 0.612, 0.006)
    measured = np.where(truth > 0, truth + 0.004 * rng.standard_normal((48, 64)), 1.0)
    measured[:, :22] = 0.5  # something stands in front
    measured[rng.random((48, 64)) < 0.1] = 0.0
    return estimate, truth, measured


def views(estimate, truth, scene):
    return DepthViews(CAMERA, *(np.where(depth > 0, depth, np.nan) for depth in (estimate, truth, scene)))


# Of the toolkit, by seed: MSSD in metres and MSPD in pixels without symmetries, with the half turn, and with the axis
# too; ADD and ADI in metres.
TOOLKIT_POSES = {
    0: (0.316833723, 30.4017054, 0.0339948547, 4.05107276, 0.0291075413, 2.79760341, 0.0970735763, 0.0139491355),
    1: (0.327997032, 29.3228144, 0.302260311, 20.6395386, 0.0355554752, 3.21819277, 0.0984824652, 0.0149298247),
    2: (0.273190324, 24.968476, 0.0400859703, 4.00650336, 0.0370322788, 2.73913984, 0.100214912, 0.0145689668),
}

# Of the toolkit, by seed: VSD for the ten tolerances, delta 15 mm, diameter 0.12 m, step cost.
TOOLKIT_VSD = {
    0: (
        0.880131363,
        0.771756979,
        0.637110016,
        0.541871921,
        0.443349754,
        0.357963875,
        0.305418719,
        0.28407225,
        0.277504105,
        0.277504105,
    ),
    1: (
        0.893964111,
        0.765089723,
        0.657422512,
        0.539967374,
        0.45187602,
        0.370309951,
        0.306688418,
        0.288743883,
        0.282218597,
        0.282218597,
    ),
    2: (
        0.876847291,
        0.761904762,
        0.660098522,
        0.551724138,
        0.451559934,
        0.377668309,
        0.3136289,
        0.285714286,
        0.279146141,
        0.277504105,
    ),
}


@pytest.mark.parametrize("seed", TOOLKIT_POSES)
def test_pose_errors_are_those_of_the_bop_toolkit(seed):
    points, T_est, T_true = pose_pair(seed)
    ours = [
        error
        for symmetries in (NONE, HALF, ALL)
        for error in (
            mssd(points, T_est, T_true, symmetries),
            mspd(points, T_est, T_true, CAMERA, symmetries),
        )
    ]
    ours += [add(points, T_est, T_true), add_s(points, T_est, T_true)]
    np.testing.assert_allclose(ours, TOOLKIT_POSES[seed], rtol=NINE_DIGITS)


@pytest.mark.parametrize("seed", TOOLKIT_VSD)
def test_vsd_is_that_of_the_bop_toolkit(seed):
    ours = vsd(views(*depth_images(seed)), DIAMETER * np.array(BOP_SHARES))
    np.testing.assert_allclose(ours, TOOLKIT_VSD[seed], rtol=NINE_DIGITS)


@given(st.integers(0, 1000))
def test_the_true_pose_and_each_symmetric_one_have_no_error(seed):
    points, _, T_true = pose_pair(seed)
    for symmetry in (*HALF, COARSE[seed % len(COARSE)]):
        assert mssd(points, T_true @ symmetry, T_true, COARSE) == pytest.approx(0, abs=1e-12)
        assert mspd(points, T_true @ symmetry, T_true, CAMERA, COARSE) == pytest.approx(0, abs=1e-9)


@given(st.integers(0, 1000))
def test_a_shift_is_its_own_mssd_and_symmetries_never_add_to_an_error(seed):
    points, T_est, T_true = pose_pair(seed)
    shifted = SE3(T_true.quat_wxyz, T_true.translation_xyz + [0.003, -0.004, 0.0])
    assert mssd(points, shifted, T_true, NONE) == pytest.approx(0.005)
    assert mssd(points, T_est, T_true, COARSE) <= mssd(points, T_est, T_true, NONE)
    assert add_s(points, T_est, T_true) <= add(points, T_est, T_true) <= mssd(points, T_est, T_true, NONE)


def test_a_shift_along_the_image_is_mspd_by_the_focal_length():
    plane = np.array([[x, y, 0.0] for x in (-0.1, 0.1) for y in (-0.1, 0.1)])
    T_true = SE3(np.array([1.0, 0, 0, 0]), np.array([0.0, 0.0, 0.6]))
    T_est = SE3(T_true.quat_wxyz, np.array([0.02, 0.0, 0.6]))
    assert mspd(plane, T_est, T_true, CAMERA, NONE) == pytest.approx(60 * 0.02 / 0.6)


def test_an_estimate_behind_the_camera_is_infinitely_many_pixels_off():
    points, _, T_true = pose_pair(0)
    behind = SE3(T_true.quat_wxyz, np.array([0.0, 0.0, -0.6]))
    assert mspd(points, behind, T_true, CAMERA, NONE) == np.inf


def test_an_axis_is_cut_into_315_turns_that_start_from_each_standing():
    assert len(discretised_symmetries(axes=[AXIS])) == 315  # pi / 0.01, rounded up
    assert len(ALL) == 630
    for turn in ALL[:315:45]:
        np.testing.assert_allclose(turn.apply(AXIS.point + 0.3 * AXIS.direction), AXIS.point + 0.3 * AXIS.direction)


def test_an_axis_without_direction_is_refused():
    with pytest.raises(TransformError, match="an axis needs a direction"):
        SymmetryAxis(np.zeros(3), np.zeros(3))


def test_vsd_is_zero_for_the_truth_one_for_a_miss_and_one_for_nothing():
    _, truth, scene = depth_images(0)
    nothing = np.zeros_like(truth)
    assert vsd(views(truth, truth, scene), [0.001])[0] == 0
    assert vsd(views(nothing, truth, scene), [0.001])[0] == 1
    assert vsd(views(nothing, nothing, scene), [0.001])[0] == 1


def test_vsd_of_a_shifted_plane_counts_from_tau_on():
    flat = np.full((48, 64), 0.6)
    nearer = vsd(views(flat - 0.010, flat, flat), [0.005, 0.02])
    np.testing.assert_array_equal(nearer, [1.0, 0.0])


def test_bop_recall_is_one_for_the_truth_and_zero_for_a_miss():
    assert bop_recall(np.zeros(10), 0.0, 0.0, width=640) == 1
    assert bop_recall(np.ones(10), 1.0, np.inf, width=640) == 0
    # At twice the width the thresholds are 10, 20 to 100 pixels; 54 lies below the upper half of them.
    assert bop_recall(np.ones(10), 1.0, 54.0, width=1280) == pytest.approx(0.5 / 3)


def test_no_points_are_refused():
    with pytest.raises(MetricError, match="model points"):
        mssd(np.zeros((0, 3)), SE3.identity(), SE3.identity(), NONE)
