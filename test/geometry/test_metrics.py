"""Figures of shape and pose against brute force and against shapes whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.geometry.metrics import (
    MetricError,
    add,
    add_s,
    chamfer_distance,
    deeply_hidden,
    diameter,
    f_score,
    hidden_from_camera,
    hidden_surface_recall,
    nearest_distances,
    rotation_error,
    scale_error,
    translation_error,
    volumetric_iou,
)
from sam3d_ros.geometry.sampling import sample_surface
from sam3d_ros.geometry.volume import occupancy


def clouds(seed, sizes=(120, 90)):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(size, 3)) for size in sizes]


def plain(shape):
    return Mesh(shape.vertices, shape.faces, np.zeros((len(shape.vertices), 3)))


def box(extents=(1.0, 1.0, 1.0), centre=(0.0, 0.0, 0.0)):
    return plain(trimesh.creation.box(extents).apply_translation(centre))


@given(st.integers(0, 1000))
def test_figures_of_points_equal_brute_force(seed):
    a, b = clouds(seed)
    distances = cdist(a, b)
    to_b, to_a = distances.min(axis=1), distances.min(axis=0)
    np.testing.assert_allclose(nearest_distances(a, b), to_b)
    assert chamfer_distance(a, b) == pytest.approx((to_b.mean() + to_a.mean()) / 2)
    precision, recall = (to_b < 0.4).mean(), (to_a < 0.4).mean()
    figures = f_score(a, b, 0.4)
    assert (figures.precision, figures.recall) == (pytest.approx(precision), pytest.approx(recall))
    assert figures.score == pytest.approx(2 * precision * recall / (precision + recall))


@given(st.integers(0, 1000))
def test_diameter_equals_brute_force_also_for_flat_and_straight_clouds(seed):
    cloud = clouds(seed)[0]
    for points in (cloud, cloud * [1, 1, 0], cloud * [1, 0, 0], cloud[:1], cloud[:2], cloud[:3], cloud[:4]):
        assert diameter(points) == pytest.approx(cdist(points, points).max())


def test_chamfer_of_two_parallel_squares_is_their_distance():
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 20), np.linspace(0, 1, 20), [0.0]), axis=-1).reshape(-1, 3)
    assert chamfer_distance(grid, grid + [0, 0, 0.025]) == pytest.approx(0.025)


def test_the_same_cloud_is_perfect_and_a_far_one_worthless():
    a = clouds(0)[0]
    assert chamfer_distance(a, a) == 0
    assert f_score(a, a, 1e-6).score == 1
    assert f_score(a, a + 100, 0.1).score == 0


@given(st.integers(0, 1000))
def test_add_equals_its_definition_and_add_s_never_exceeds_it(seed):
    rng = np.random.default_rng(seed)
    points, _ = clouds(seed)
    T_est, T_true = (SE3(rng.normal(size=4), rng.normal(size=3)) for _ in range(2))
    moved, true = T_est.apply(points), T_true.apply(points)
    assert add(points, T_est, T_true) == pytest.approx(
        np.mean([np.linalg.norm(m - t) for m, t in zip(moved, true, strict=True)])
    )
    assert add_s(points, T_est, T_true) == pytest.approx(cdist(true, moved).min(axis=1).mean())
    assert add_s(points, T_est, T_true) <= add(points, T_est, T_true) + 1e-12


def test_a_symmetric_object_turned_into_itself_has_no_add_s_error():
    corners = box().vertices
    quarter_turn = SE3([np.sqrt(0.5), 0, 0, np.sqrt(0.5)], [0, 0, 0])
    assert add_s(corners, quarter_turn, SE3.identity()) == pytest.approx(0, abs=1e-7)
    assert add(corners, quarter_turn, SE3.identity()) == pytest.approx(1.0)


def test_a_shift_is_the_add_error():
    points = clouds(0)[0]
    assert add(points, SE3([1, 0, 0, 0], [0.03, 0, 0.04]), SE3.identity()) == pytest.approx(0.05)


@pytest.mark.parametrize("angle", [0.0, 1e-7, 0.1, 1.0, 3.0, np.pi])
def test_rotation_error_is_the_angle(angle):
    turn = Rotation.from_rotvec(angle * np.array([0.6, 0.0, 0.8]))
    base = SE3([0.3, -0.5, 0.7, 0.2], [1.0, 2.0, 3.0])
    turned = base @ SE3(np.roll(turn.as_quat(), 1), [0, 0, 0])
    assert rotation_error(turned, base) == pytest.approx(angle, abs=1e-9)
    assert translation_error(turned, base) == 0
    assert rotation_error(SE3(-base.quat_wxyz, [0, 0, 0]), base) == pytest.approx(0, abs=1e-9)


def test_scale_error_treats_too_large_and_too_small_alike():
    assert scale_error(1.1, 1.0) == pytest.approx(0.1)
    assert scale_error(1.0, 1.1) == pytest.approx(0.1)
    with pytest.raises(MetricError):
        scale_error(0.0, 1.0)


@pytest.mark.parametrize(("shift", "expected"), [(0.0, 1.0), (0.5, 1 / 3), (1.5, 0.0)])
def test_volumetric_iou_of_shifted_boxes_is_known(shift, expected):
    assert volumetric_iou(box(), box(centre=(shift, 0, 0)), 96) == pytest.approx(expected, abs=0.012)


def test_volumetric_iou_of_a_box_and_the_sphere_inside_it_is_known():
    sphere = plain(trimesh.creation.icosphere(subdivisions=5, radius=0.5))
    assert volumetric_iou(sphere, box(), 64) == pytest.approx(np.pi / 6, abs=0.005)


def test_occupancy_knows_inside_from_outside_and_from_holes():
    ring = plain(trimesh.creation.torus(1.0, 0.3))
    inside = occupancy(ring, [[1, 0, 0], [0, -1, 0], [0, 0, 0], [1, 0, 0.31], [5, 5, 5]])
    np.testing.assert_array_equal(inside, [True, True, False, False, False])


def test_the_camera_sees_one_face_of_a_box_and_not_the_other_five():
    samples = sample_surface(box(), 6000, seed=0)
    hidden = hidden_from_camera(box(), samples.points, SE3([1, 0, 0, 0], [0, 0, 3]), tolerance=1e-5)
    facing = samples.points[:, 2] < -0.4999
    np.testing.assert_array_equal(hidden, ~facing)


def test_hidden_points_agree_with_the_pose_of_the_camera():
    samples = sample_surface(box(), 6000, seed=0)
    half_turn = SE3([0, 0, 1, 0], [0, 0, 3])  # about y: the camera is now on the side of +z
    facing = samples.points[:, 2] > 0.4999
    hidden = hidden_from_camera(box(), samples.points, half_turn, tolerance=1e-5)
    np.testing.assert_array_equal(hidden, ~facing)


def test_hidden_surface_recall_asks_only_for_what_was_hidden():
    truth = sample_surface(box(), 6000, seed=0).points
    hidden = truth[:, 2] > 0.4999
    front = truth[truth[:, 2] < 0]
    assert hidden_surface_recall(front, truth, hidden, threshold=0.05) == 0
    assert hidden_surface_recall(truth + 0.001, truth, hidden, threshold=0.05) == 1
    assert np.isnan(hidden_surface_recall(front, truth, np.zeros(6000, bool), threshold=0.05))


@pytest.mark.parametrize("bad", [np.zeros((0, 3)), np.zeros((3, 2)), np.array([[np.nan, 0, 0]])])
def test_figures_of_nothing_are_refused(bad):
    with pytest.raises(MetricError):
        chamfer_distance(bad, np.zeros((1, 3)))


def test_two_balls_apart_by_a_shift_have_the_figures_that_integrals_give():
    # |p - c| = s has the density s / (2 R d) from R - d to R + d: mean |s - R| is d / 2, and a share t / d is below t.
    R, d = 0.5, 0.2
    first, second = (plain(trimesh.creation.icosphere(subdivisions=5, radius=R)) for _ in range(2))
    second = second.transformed(SE3([1, 0, 0, 0], [0, d, 0]))
    a, b = (sample_surface(mesh, 60_000, seed).points for seed, mesh in enumerate((first, second)))
    assert chamfer_distance(a, b) == pytest.approx(d / 2, rel=0.02)
    assert f_score(a, b, 0.08).score == pytest.approx(0.08 / d, abs=0.01)
    lens = np.pi * (4 * R + d) * (2 * R - d) ** 2 / 12
    assert volumetric_iou(first, second, 64) == pytest.approx(lens / (8 / 3 * np.pi * R**3 - lens), abs=0.005)


def test_deeply_hidden_is_what_lies_behind_more_than_a_margin_of_seen_surface():
    points = np.array([[0.0, 0, 0], [0.004, 0, 0], [0.006, 0, 0], [0.1, 0, 0]])
    hidden = np.array([False, True, True, True])
    np.testing.assert_array_equal(deeply_hidden(points, hidden, 0.005), [False, False, True, True])
    np.testing.assert_array_equal(deeply_hidden(points, np.ones(4, bool), 0.005), np.ones(4, bool))
    assert not deeply_hidden(points, np.zeros(4, bool), 0.005).any()
    np.testing.assert_array_equal(hidden, [False, True, True, True])
