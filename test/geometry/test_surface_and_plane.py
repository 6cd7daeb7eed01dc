"""Samples of surfaces and planes of noisy clouds."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given
from hypothesis import strategies as st

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.geometry.plane import Plane, fit_plane, fit_plane_ransac
from sam3d_ros.geometry.sampling import sample_surface, triangle_areas, triangle_normals, vertex_normals


def box(extents=(1.0, 2.0, 3.0)):
    shape = trimesh.creation.box(extents)
    return Mesh(shape.vertices, shape.faces, ((shape.vertices > 0) * 255).astype(np.uint8))


def test_samples_lie_on_the_surface_with_its_normals_and_colours():
    samples = sample_surface(box(), 4000, seed=0)
    on_face = np.isclose(np.abs(samples.points), [0.5, 1.0, 1.5], atol=1e-6)
    assert on_face.any(axis=1).all()
    outward = np.einsum("nc,nc->n", samples.normals, samples.points)
    np.testing.assert_allclose(np.linalg.norm(samples.normals, axis=1), 1)
    assert (outward > 0.49).all()
    expected = 255 * (samples.points / [1.0, 2.0, 3.0] + 0.5)  # colours run linearly along each axis
    assert np.abs(samples.colors - expected).max() <= 0.51


def test_samples_are_spread_by_area():
    samples = sample_surface(box(), 22000, seed=1)
    on_x = np.isclose(np.abs(samples.points[:, 0]), 0.5, atol=1e-6).mean()
    on_y = np.isclose(np.abs(samples.points[:, 1]), 1.0, atol=1e-6).mean()
    assert on_x == pytest.approx(6 / 11, abs=0.001)
    assert on_y == pytest.approx(3 / 11, abs=0.001)
    assert np.abs(samples.points.mean(axis=0)).max() < 0.02


def test_samples_are_uniform_inside_a_triangle():
    triangle = Mesh(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]]), np.zeros((3, 3)))
    points = sample_surface(triangle, 20000, seed=0).points
    near_corner = [(points[:, :2].sum(axis=1) < 0.5), points[:, 0] > 0.5, points[:, 1] > 0.5]
    for share in near_corner:
        assert share.mean() == pytest.approx(0.25, abs=0.01)


def test_the_same_seed_gives_the_same_samples():
    first, again, other = (sample_surface(box(), 100, seed).points for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_triangles_without_area_are_never_sampled():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [9, 9, 9]])
    mesh = Mesh(vertices, np.array([[3, 3, 3], [0, 1, 2], [0, 1, 1]]), np.zeros((4, 3)))
    assert sample_surface(mesh, 50, 0).points.max() <= 1
    np.testing.assert_array_equal(triangle_normals(mesh), [[0, 0, 0], [0, 0, 1], [0, 0, 0]])
    with pytest.raises(ValueError, match="without area"):
        sample_surface(Mesh(vertices, np.array([[3, 3, 3]]), np.zeros((4, 3))), 5, 0)


def test_areas_and_normals_agree_with_trimesh():
    shape = trimesh.creation.torus(1.0, 0.3)
    mesh = Mesh(shape.vertices, shape.faces, np.zeros((len(shape.vertices), 3)))
    np.testing.assert_allclose(triangle_areas(mesh), shape.area_faces, rtol=1e-4)
    np.testing.assert_allclose(triangle_normals(mesh), shape.face_normals, atol=1e-4)
    sphere = trimesh.creation.icosphere(subdivisions=3)
    smooth = vertex_normals(Mesh(sphere.vertices, sphere.faces, np.zeros((len(sphere.vertices), 3))))
    np.testing.assert_allclose(smooth, sphere.vertices, atol=0.02)  # a degree: triangles around a corner differ


FINITE = st.floats(-1, 1)


@given(st.tuples(FINITE, FINITE, FINITE).filter(lambda n: np.linalg.norm(n) > 0.1), FINITE)
def test_a_plane_measures_distances_whatever_the_length_of_its_normal(normal, offset):
    plane, longer = Plane(np.array(normal), offset), Plane(np.array(normal) * 7, offset * 7)
    points = np.random.default_rng(0).normal(size=(10, 3))
    distances = plane.signed_distance(points)
    np.testing.assert_allclose(longer.signed_distance(points), distances, atol=1e-12)
    np.testing.assert_allclose(plane.flipped().signed_distance(points), -distances, atol=1e-12)
    np.testing.assert_allclose(plane.signed_distance(plane.project(points)), 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(plane.project(points) - points, axis=1), np.abs(distances), atol=1e-12)


def table_with_clutter(seed=0):
    """A tilted table 0.8 m away with 2 mm noise, a wall, things on it, and holes."""
    rng = np.random.default_rng(seed)
    table = np.stack([rng.uniform(-1, 1, 6000), rng.uniform(-1, 1, 6000), rng.normal(0, 0.002, 6000)], axis=1)
    wall = np.stack([rng.uniform(-1, 1, 4000), np.full(4000, 1.0), rng.uniform(0, 2, 4000)], axis=1)
    clutter = rng.uniform([-0.3, -0.3, 0.02], [0.3, 0.3, 0.3], (3000, 3))
    T_cam_table = SE3([0.45, -0.85, 0.1, 0.05], [0.0, 0.2, 0.9])
    points = T_cam_table.apply(np.concatenate([table, wall, clutter]))
    points[::50] = np.nan
    return points, T_cam_table


def test_the_support_plane_is_found_among_clutter():
    points, T_cam_table = table_with_clutter()
    fit = fit_plane_ransac(points, distance=0.006, seed=1)
    up = T_cam_table.rotation[:, 2]
    assert abs(fit.plane.normal_xyz @ up) > np.cos(np.radians(0.2))
    assert abs(fit.plane.signed_distance(T_cam_table.translation_xyz)) < 0.001
    assert fit.inliers[:6000].mean() > 0.95
    assert fit.inliers[6000:].mean() < 0.05
    assert not fit.inliers[::50].any()


def test_without_a_hint_the_normal_points_to_the_camera():
    points, _ = table_with_clutter()
    assert fit_plane_ransac(points, distance=0.006).plane.signed_distance(np.zeros(3)) > 0


def test_a_hint_chooses_the_plane_and_its_side():
    points, T_cam_table = table_with_clutter()
    wall_normal = T_cam_table.rotation[:, 1]
    for sign in (1, -1):
        fit = fit_plane_ransac(points, distance=0.006, normal_hint=sign * wall_normal, max_angle=0.2)
        assert fit.plane.normal_xyz @ wall_normal * sign > 0.999


def test_no_plane_is_found_where_none_is_allowed_or_possible():
    flat = np.random.default_rng(0).uniform(size=(100, 3)) * [1, 1, 0]
    assert fit_plane_ransac(flat, distance=0.001, normal_hint=(1, 0, 0), max_angle=0.5) is None
    line = np.linspace(0, 1, 50)[:, None] * [1.0, 2.0, 3.0]
    for points in (np.zeros((0, 3)), np.zeros((2, 3)), np.zeros((9, 3)), np.full((9, 3), np.nan), line):
        assert fit_plane_ransac(points, distance=0.01) is None
        assert fit_plane(points[np.isfinite(points).all(axis=1)]) is None


def test_least_squares_plane_of_exact_points_is_exact():
    rng = np.random.default_rng(0)
    truth = Plane(np.array([1.0, -2.0, 0.5]), 0.7)
    fitted = fit_plane(truth.project(rng.normal(size=(50, 3))))
    assert abs(fitted.normal_xyz @ truth.normal_xyz) == pytest.approx(1)
    assert abs(fitted.offset) == pytest.approx(abs(truth.offset))
