"""Laws of finished meshes: closed, oriented, one body, within the budget, whatever came in."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.pipeline.finish import centre_mesh, convex_hull, finish_mesh, is_watertight


def as_mesh(shape: trimesh.Trimesh) -> Mesh:
    color = np.clip(np.abs(np.asarray(shape.vertices)) * 2000, 0, 255).astype(np.uint8)
    return Mesh(np.asarray(shape.vertices, np.float32), np.asarray(shape.faces, np.int32), color)


def sphere(radius: float = 0.05, centre=(0.0, 0.0, 0.0), subdivisions: int = 3) -> trimesh.Trimesh:
    shape = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    shape.apply_translation(centre)
    return shape


def assert_finished(mesh: Mesh, budget: int) -> None:
    reference = trimesh.Trimesh(mesh.vertices, mesh.triangles, process=False)
    assert is_watertight(mesh)
    assert reference.is_watertight
    assert reference.is_winding_consistent
    assert reference.volume > 0
    assert len(mesh.triangles) <= budget
    assert len(mesh.vertex_colors) == len(mesh.vertices)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    missing=st.floats(0.0, 0.6),
    flipped=st.floats(0.0, 0.5),
    budget=st.sampled_from([50, 300, 2000]),
)
def test_any_part_of_a_surface_becomes_closed_and_oriented(seed, missing, flipped, budget):
    rng = np.random.default_rng(seed)
    shape = sphere()
    faces = shape.faces[rng.uniform(size=len(shape.faces)) >= missing].copy()
    turned = rng.uniform(size=len(faces)) < flipped
    faces[turned] = faces[turned][:, ::-1]
    mesh = as_mesh(trimesh.Trimesh(shape.vertices, faces, process=False))
    assert_finished(finish_mesh(mesh, triangle_budget=budget), budget)


def test_a_hole_is_closed_where_it_is_and_nothing_else_moves():
    shape = sphere()
    open_mesh = as_mesh(
        trimesh.Trimesh(shape.vertices, shape.faces[shape.triangles_center[:, 2] < 0.04], process=False)
    )
    closed = finish_mesh(open_mesh, triangle_budget=5000)
    assert_finished(closed, 5000)
    below = closed.vertices[closed.vertices[:, 2] < 0.035]
    np.testing.assert_allclose(np.linalg.norm(below, axis=1), 0.05, atol=1e-5)


def test_floating_pieces_are_dropped_and_large_ones_kept():
    parts = [sphere(0.05), sphere(0.03, (0.2, 0, 0)), sphere(0.005, (0, 0.2, 0))]
    finished = finish_mesh(as_mesh(trimesh.util.concatenate(parts)), triangle_budget=5000)
    assert finished.vertices[:, 0].max() == pytest.approx(0.23, abs=1e-3)
    assert finished.vertices[:, 1].max() == pytest.approx(0.05, abs=1e-3)


def test_decimation_keeps_the_shape_and_the_colours():
    mesh = as_mesh(sphere(subdivisions=5))
    finished = finish_mesh(mesh, triangle_budget=1000)
    assert_finished(finished, 1000)
    radii = np.linalg.norm(finished.vertices, axis=1)
    assert np.abs(radii - 0.05).max() < 1e-3
    expected = np.clip(np.abs(finished.vertices) * 2000, 0, 255)
    assert np.abs(finished.vertex_colors - expected).max() < 12  # nearest old vertex, 2.5 mm apart at most


def test_an_inside_out_surface_is_turned():
    shape = sphere()
    mesh = as_mesh(trimesh.Trimesh(shape.vertices, shape.faces[:, ::-1], process=False))
    assert not is_watertight(mesh)
    assert_finished(finish_mesh(mesh, triangle_budget=5000), 5000)


def test_doubled_vertices_are_welded():
    shape = sphere()
    soup = Mesh(
        shape.triangles.reshape(-1, 3).astype(np.float32),
        np.arange(3 * len(shape.faces), dtype=np.int32).reshape(-1, 3),
        np.zeros((3 * len(shape.faces), 3), np.uint8),
    )
    finished = finish_mesh(soup, triangle_budget=5000)
    assert len(finished.vertices) == len(shape.vertices)


@pytest.mark.parametrize("budget", [4, 8, 12, 40])
def test_the_smallest_budgets_are_met(budget):
    assert_finished(finish_mesh(as_mesh(sphere()), triangle_budget=budget), budget)


def test_what_spans_no_volume_is_refused():
    square = Mesh(
        np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32),
        np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        np.zeros((4, 3), np.uint8),
    )
    assert not is_watertight(square)
    with pytest.raises(ValueError, match="plane"):
        finish_mesh(square, triangle_budget=100)
    with pytest.raises(ValueError, match="budget is 3"):
        finish_mesh(as_mesh(sphere()), triangle_budget=3)


def test_the_hull_of_random_points_holds_them_all():
    points = np.random.default_rng(3).normal(size=(200, 3))
    vertices, triangles = convex_hull(points)
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    assert np.einsum("nti,ti->nt", points[:, None] - a[None], normals).max() < 1e-9


def test_centring_moves_the_origin_but_not_the_surface():
    mesh = as_mesh(sphere(centre=(0.1, -0.2, 0.3)))
    T = SE3.from_rotation(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]), [0.5, 0.6, 0.7])
    centred, T_centred = centre_mesh(mesh, T)
    np.testing.assert_allclose(centred.box_centre, 0, atol=1e-6)
    np.testing.assert_allclose(T_centred.apply(centred.vertices), T.apply(mesh.vertices), atol=1e-6)
