"""Laws of SE(3) and Sim(3): they hold for every transform, so they are checked on drawn ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sam3d_ros.geometry import SE3, Sim3, TransformError
from sam3d_ros.geometry.lie import (
    adjoint,
    pose_covariance_from_twist,
    se3_exp,
    se3_log,
    skew,
    so3_exp,
    so3_log,
    transform_covariance,
)
from sam3d_ros.geometry.transforms import quat_wxyz_to_rotation, rotation_to_quat_wxyz

UNIT = st.floats(-1, 1, allow_subnormal=False)


@st.composite
def quaternions(draw):
    """Unit quaternions, every rotation among them, also those of exactly half a turn."""
    quat = np.array(draw(st.tuples(UNIT, UNIT, UNIT, UNIT)))
    assume(np.linalg.norm(quat) > 1e-3)
    return quat / np.linalg.norm(quat)


@st.composite
def vectors(draw, size=10.0):
    return np.array(draw(st.tuples(UNIT, UNIT, UNIT))) * size


@st.composite
def rigid(draw):
    return SE3(draw(quaternions()), draw(vectors()))


@st.composite
def similar(draw):
    """Scales over eight orders of magnitude."""
    return Sim3(draw(quaternions()), draw(vectors()), 10.0 ** draw(st.floats(-4, 4)))


def assert_same(a, b, *, rtol=1e-9):
    """Equal as maps, in proportion to the size of their matrices."""
    matrix_a, matrix_b = a.as_matrix(), b.as_matrix()
    np.testing.assert_allclose(matrix_a, matrix_b, rtol=0, atol=rtol * max(1.0, np.abs(matrix_b).max()))


TRANSFORMS = st.one_of(rigid(), similar())
PAIRS = st.one_of(st.tuples(rigid(), rigid()), st.tuples(similar(), similar()))
TRIPLES = st.one_of(st.tuples(rigid(), rigid(), rigid()), st.tuples(similar(), similar(), similar()))


def identity_like(transform):
    return SE3.identity() if isinstance(transform, SE3) else Sim3.from_se3(SE3.identity())


@given(TRANSFORMS)
def test_identity_changes_nothing_from_either_side(T):
    assert_same(identity_like(T) @ T, T)
    assert_same(T @ identity_like(T), T)


@given(TRANSFORMS, vectors())
def test_inverse_undoes_a_transform(T, point):
    round_trip = T.inverse().apply(T.apply(point))
    scale = getattr(T, "scale", 1.0)
    # The translation (up to 17 m) is rounded before it is divided by the scale.
    np.testing.assert_allclose(round_trip, point, atol=1e-13 * (1 + 30 / scale))


@given(TRANSFORMS)
def test_inverse_of_inverse_is_the_transform(T):
    assert_same(T.inverse().inverse(), T)


@given(TRIPLES)
def test_composition_is_associative(triple):
    A, B, C = triple
    assert_same((A @ B) @ C, A @ (B @ C), rtol=1e-11)


@given(PAIRS, vectors())
def test_composed_transform_applies_the_right_one_first(pair, point):
    A, B = pair
    expected = A.apply(B.apply(point))
    np.testing.assert_allclose((A @ B).apply(point), expected, rtol=1e-9, atol=1e-9 * max(1, np.abs(expected).max()))


@given(PAIRS)
def test_composition_is_the_matrix_product(pair):
    A, B = pair
    product = A.as_matrix() @ B.as_matrix()
    np.testing.assert_allclose((A @ B).as_matrix(), product, atol=1e-9 * max(1, np.abs(product).max()))


@given(PAIRS)
def test_inverse_of_a_product_is_the_product_of_inverses_reversed(pair):
    A, B = pair
    assert_same((A @ B).inverse(), B.inverse() @ A.inverse(), rtol=1e-8)


@given(TRANSFORMS)
def test_matrix_round_trip_keeps_the_transform(T):
    assert_same(type(T).from_matrix(T.as_matrix()), T)


@given(rigid())
def test_rigid_transforms_keep_distances_and_handedness(T):
    assert np.linalg.det(T.rotation) == pytest.approx(1)
    np.testing.assert_allclose(T.rotation @ T.rotation.T, np.eye(3), atol=1e-12)


@given(similar(), vectors(), vectors())
def test_similarity_multiplies_distances_by_its_scale(T, a, b):
    expected = T.scale * np.linalg.norm(a - b)
    assert np.linalg.norm(T.apply(a) - T.apply(b)) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(TRANSFORMS)
def test_points_may_come_in_any_number_of_dimensions(T):
    points = np.arange(24.0).reshape(2, 4, 3)
    np.testing.assert_allclose(T.apply(points)[1, 2], T.apply(points[1, 2]), rtol=1e-12)


@given(quaternions())
def test_rotation_matrix_agrees_with_scipy(quat_wxyz):
    theirs = Rotation.from_quat(np.roll(quat_wxyz, -1)).as_matrix()
    np.testing.assert_allclose(quat_wxyz_to_rotation(quat_wxyz), theirs, atol=1e-12)


@given(quaternions())
def test_quaternion_orders_round_trip_through_scipy(quat_wxyz):
    T = SE3(quat_wxyz, np.zeros(3))
    np.testing.assert_allclose(Rotation.from_quat(T.quat_xyzw).as_matrix(), T.rotation, atol=1e-12)


@given(vectors(1.0), st.floats(-6, -1), st.booleans())
def test_rotations_near_half_a_turn_survive_the_matrix(axis, exponent, beyond):
    assume(np.linalg.norm(axis) > 1e-2)
    angle = np.pi + (1 if beyond else -1) * 10.0**exponent
    expected = Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle)
    quat_wxyz = rotation_to_quat_wxyz(expected.as_matrix())
    assert quat_wxyz[0] >= 0
    difference = Rotation.from_quat(np.roll(quat_wxyz, -1)).inv() * expected
    assert difference.magnitude() < 1e-9


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (-1, 0, 1), (1, -1, 1)])
def test_exact_half_turns_survive_the_matrix(axis):
    unit = np.array(axis) / np.linalg.norm(axis)
    half_turn = 2 * np.outer(unit, unit) - np.eye(3)
    np.testing.assert_allclose(quat_wxyz_to_rotation(rotation_to_quat_wxyz(half_turn)), half_turn, atol=1e-12)


@given(vectors(np.pi / np.sqrt(3) * 0.999))
def test_rotation_logarithm_undoes_the_exponential(rotation_vector):
    np.testing.assert_allclose(so3_log(so3_exp(rotation_vector)), rotation_vector, atol=1e-9)
    np.testing.assert_allclose(
        quat_wxyz_to_rotation(so3_exp(rotation_vector)), Rotation.from_rotvec(rotation_vector).as_matrix(), atol=1e-12
    )


@given(rigid())
def test_exponential_undoes_the_logarithm(T):
    assert_same(se3_exp(se3_log(T)), T, rtol=1e-7)


@given(vectors(), vectors(1.5), st.integers(0, 9))
def test_exponential_is_the_matrix_exponential(velocity, rotation_vector, decades):
    from scipy.linalg import expm

    twist = np.concatenate([velocity, rotation_vector * 10.0**-decades])
    generator = np.zeros((4, 4))
    generator[:3, :3], generator[:3, 3] = skew(twist[3:]), twist[:3]
    np.testing.assert_allclose(se3_exp(twist).as_matrix(), expm(generator), atol=1e-7)


@given(rigid(), vectors(), vectors(1.0))
def test_adjoint_moves_twists_between_frames(T, velocity, rotation_vector):
    twist = np.concatenate([velocity, rotation_vector])
    assert_same(T @ se3_exp(twist) @ T.inverse(), se3_exp(adjoint(T) @ twist), rtol=1e-8)


@given(rigid(), rigid())
def test_adjoint_of_a_product_is_the_product_of_adjoints(A, B):
    np.testing.assert_allclose(adjoint(A @ B), adjoint(A) @ adjoint(B), atol=1e-9)


def covariance_of_pose_errors(poses, centre):
    """Covariance [6, 6] of x y z and the fixed-axes rotation, counted from drawn poses: the slow reference."""
    errors = [
        np.concatenate([p.translation_xyz - centre.translation_xyz, so3_log((p @ centre.inverse()).quat_wxyz)])
        for p in poses
    ]
    return np.cov(np.array(errors).T)


def drawn_twists(seed, count=4000):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(6, 6)) * 2e-3
    return mixing @ mixing.T, rng.multivariate_normal(np.zeros(6), mixing @ mixing.T, count)


def test_twist_covariance_becomes_that_of_the_drawn_poses():
    T_cam_obj = SE3([0.8, 0.1, -0.5, 0.3], [0.2, -0.1, 0.9])
    covariance, twists = drawn_twists(3)
    counted = covariance_of_pose_errors([se3_exp(twist) @ T_cam_obj for twist in twists], T_cam_obj)
    np.testing.assert_allclose(pose_covariance_from_twist(covariance, T_cam_obj), counted, atol=0.08 * counted.max())


def test_covariance_moves_to_another_frame_as_the_drawn_poses_do():
    T_cam_obj, T_map_cam = SE3([0.8, 0.1, -0.5, 0.3], [0.2, -0.1, 0.9]), SE3([0.4, 0.5, 0.6, -0.2], [5.0, -3.0, 1.0])
    covariance, twists = drawn_twists(5)
    poses = [T_map_cam @ se3_exp(twist) @ T_cam_obj for twist in twists]
    counted = covariance_of_pose_errors(poses, T_map_cam @ T_cam_obj)
    expected = transform_covariance(pose_covariance_from_twist(covariance, T_cam_obj), T_map_cam)
    np.testing.assert_allclose(expected, counted, atol=0.08 * counted.max())


@given(rigid())
def test_covariance_there_and_back_is_unchanged_and_symmetric(T):
    covariance = drawn_twists(1, 1)[0]
    moved = transform_covariance(covariance, T)
    np.testing.assert_allclose(moved, moved.T, atol=1e-15)
    np.testing.assert_allclose(transform_covariance(moved, T.inverse()), covariance, atol=1e-15)


@pytest.mark.parametrize("quat", [(0, 0, 0, 0), (np.nan, 0, 0, 1), (1, 0, 0)])
def test_broken_quaternions_are_refused(quat):
    with pytest.raises(TransformError):
        SE3(np.array(quat, float), np.zeros(3))


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
def test_scales_that_are_not_positive_numbers_are_refused(scale):
    with pytest.raises(TransformError, match="scale"):
        Sim3(np.array([1.0, 0, 0, 0]), np.zeros(3), scale)


def test_mirrored_axes_are_refused():
    with pytest.raises(TransformError):
        SE3.from_matrix(np.diag([1.0, 1, -1, 1]))
    with pytest.raises(TransformError, match="mirrored"):
        Sim3.from_matrix(np.diag([1.0, 1, -1, 1]))


def test_row_vector_matrices_are_refused_with_advice():
    row_form = SE3([1.0, 0, 0, 0], [1.0, 2, 3]).as_matrix().T
    with pytest.raises(TransformError, match="transpose"):
        SE3.from_matrix(row_form)
