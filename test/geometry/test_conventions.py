"""Each convention against its inverse and against an example that is known from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sam3d_ros.geometry import SE3, PinholeCamera, Sim3
from sam3d_ros.geometry import conventions as c

X, Y, Z = np.eye(3)
NUMBERS = st.floats(-100, 100)
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=5).map(np.array)

PAIRS = [
    (c.optical_from_pytorch3d, c.pytorch3d_from_optical, c.R_OPTICAL_PYTORCH3D),
    (c.optical_from_opengl, c.opengl_from_optical, c.R_OPTICAL_OPENGL),
    (c.optical_from_body, c.body_from_optical, c.R_OPTICAL_BODY),
    (c.object_from_glb, c.glb_from_object, c.R_OBJECT_GLB),
]


@pytest.mark.parametrize(("there", "back", "matrix"), PAIRS)
@given(points=POINTS)
def test_functions_undo_each_other_and_equal_their_matrix(there, back, matrix, points):
    np.testing.assert_array_equal(back(there(points)), points)
    np.testing.assert_allclose(there(points), points @ matrix.T, atol=1e-12)


@pytest.mark.parametrize("matrix", [getattr(c, name) for name in dir(c) if name.startswith("R_")])
def test_no_convention_mirrors(matrix):
    np.testing.assert_array_equal(matrix @ matrix.T, np.eye(3))
    assert np.linalg.det(matrix) == 1.0


def test_matrices_of_a_chain_agree():
    np.testing.assert_array_equal(c.R_BODY_OPTICAL @ c.R_OPTICAL_PYTORCH3D, c.R_BODY_PYTORCH3D)
    np.testing.assert_array_equal(c.R_BODY_OPTICAL, c.R_OPTICAL_BODY.T)
    np.testing.assert_array_equal(c.R_GLB_OBJECT, c.R_OBJECT_GLB.T)


def test_axes_point_where_their_names_say():
    right, down, forward = X, Y, Z  # optical frame, REP 103
    np.testing.assert_array_equal(c.optical_from_pytorch3d(X), -right)  # x left
    np.testing.assert_array_equal(c.optical_from_pytorch3d(Y), -down)  # y up
    np.testing.assert_array_equal(c.optical_from_pytorch3d(Z), forward)
    np.testing.assert_array_equal(c.optical_from_opengl(Y), -down)  # y up
    np.testing.assert_array_equal(c.optical_from_opengl(Z), -forward)  # looks along -z
    np.testing.assert_array_equal(c.optical_from_body(X), forward)
    np.testing.assert_array_equal(c.optical_from_body(Y), -right)  # y left
    np.testing.assert_array_equal(c.optical_from_body(Z), -down)  # z up
    np.testing.assert_array_equal(c.glb_from_object(Z), Y)  # up stays up


def test_optical_frame_is_the_usual_ros_static_transform():
    # Camera drivers publish roll -pi/2, pitch 0, yaw -pi/2 (fixed axes) from camera_link to its optical frame.
    driver = Rotation.from_euler("xyz", [-np.pi / 2, 0, -np.pi / 2]).as_matrix()
    np.testing.assert_allclose(c.R_BODY_OPTICAL, driver, atol=1e-12)
    np.testing.assert_allclose(SE3.from_rotation(driver, np.zeros(3)).quat_xyzw, [-0.5, 0.5, -0.5, 0.5], atol=1e-12)


def test_glb_rotation_is_minus_a_quarter_turn_about_x():
    np.testing.assert_allclose(c.R_GLB_OBJECT, Rotation.from_euler("x", -90, degrees=True).as_matrix(), atol=1e-12)


def test_pointmaps_keep_dtype_and_holes():
    pointmap = np.full((2, 3, 3), np.nan, np.float32)
    pointmap[0, 0] = 1, 2, 3
    turned = c.pytorch3d_from_optical(pointmap)
    assert turned.dtype == np.float32
    np.testing.assert_array_equal(turned[0, 0], [-1, -2, 3])
    assert np.isnan(turned[1:]).all()


def test_quaternion_orders_agree_with_scipy():
    quarter_turn = Rotation.from_euler("z", 90, degrees=True)
    quat_wxyz = c.wxyz_from_xyzw(quarter_turn.as_quat())
    np.testing.assert_allclose(quat_wxyz, [np.sqrt(0.5), 0, 0, np.sqrt(0.5)])
    np.testing.assert_allclose(c.xyzw_from_wxyz(quat_wxyz), quarter_turn.as_quat())
    np.testing.assert_array_equal(c.wxyz_from_xyzw([[1, 2, 3, 4]] * 2), [[4, 1, 2, 3]] * 2)


def test_row_vector_matrices_become_column_vector_ones():
    column = SE3([0.5, 0.5, -0.5, 0.5], [1.0, 2.0, 3.0]).as_matrix()
    point = np.array([0.3, -0.2, 0.9, 1.0])
    row = c.column_from_row(column)
    np.testing.assert_allclose(point @ row, column @ point)
    np.testing.assert_array_equal(c.column_from_row(row), column)


def row_vector_reference(pose, points):
    """p' = s p Q + t in PyTorch3D axes, then the axes turned: the statement of SAM 3D Objects in plain numbers."""
    w, x, y, z = pose.quat_wxyz
    Q = Rotation.from_quat([x, y, z, w]).as_matrix()
    return (pose.scale * points @ Q + pose.translation_xyz) * np.array([-1, -1, 1])


@given(st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1), st.floats(0.01, 5))
def test_sam3d_pose_equals_its_row_vector_statement(quat, scale):
    pose = c.Sam3dPose(np.array(quat) / np.linalg.norm(quat), np.array([0.1, -0.2, 0.9]), scale)
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (20, 3))
    np.testing.assert_allclose(
        c.optical_pose_from_sam3d(pose).apply(points), row_vector_reference(pose, points), atol=1e-9
    )


@given(st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1), st.floats(0.01, 5))
def test_sam3d_pose_round_trip_keeps_the_transform(quat, scale):
    T = Sim3(np.array(quat), np.array([0.1, -0.2, 0.9]), scale)
    pose = c.sam3d_pose_from_optical(T)
    assert pose.quat_wxyz[0] >= 0
    np.testing.assert_allclose(c.optical_pose_from_sam3d(pose).as_matrix(), T.as_matrix(), atol=1e-9)


def test_an_upright_object_in_front_of_a_level_camera_is_drawn_upright():
    # Canonical z (up) must appear at a smaller image row. In PyTorch3D axes up is y: Q maps row z to y, x to x.
    Q = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], float)
    quat = np.roll(Rotation.from_matrix(Q).as_quat(), 1)
    T = c.optical_pose_from_sam3d(c.Sam3dPose(quat, np.array([0, 0, 2.0]), 1.0))
    camera = PinholeCamera(640, 480, 500, 500, 320, 240)
    top, bottom = camera.project(T.apply([[0, 0, 0.5], [0, 0, -0.5]]))
    assert top[1] < bottom[1]
    assert T.translation_xyz[2] == pytest.approx(2.0)


def test_every_srgb_value_survives_the_linear_form():
    values = np.arange(256, dtype=np.uint8)
    linear = c.linear_from_srgb(values)
    np.testing.assert_array_equal(c.srgb_from_linear(linear), values)
    np.testing.assert_array_equal(c.srgb_from_linear(np.rint(linear * 65535) / 65535), values)


def test_srgb_curve_has_its_published_values():
    # Middle grey: 18 % linear light is sRGB 118 (IEC 61966-2-1); half of the code range is 21.4 % light.
    assert c.srgb_from_linear(0.18) == 118
    assert c.linear_from_srgb(np.uint8(128)) == pytest.approx(0.2158605)
    np.testing.assert_array_equal(c.linear_from_srgb(np.array([0, 255], np.uint8)), [0, 1])
