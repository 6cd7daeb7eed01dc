"""Finishing of what decoders of sparse voxels yield: solids that touch, hidden inner walls, punctures, bubbles.

Here a plain dual surface (one vertex per crossed cube) stands for the decoder: it leaves four triangles at an edge
wherever a cube is ambiguous.
"""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from sam3d_ros.geometry import Mesh
from sam3d_ros.pipeline import manifold
from sam3d_ros.pipeline.finish import finish_mesh, is_watertight

CORNERS = ((0, 0), (-1, 0), (-1, -1), (0, -1))


def grid(resolution: int) -> np.ndarray:
    """Corners of the cubes of [-0.5, 0.5]^3, [3, R + 1, R + 1, R + 1]."""
    axis = np.linspace(-0.5, 0.5, resolution + 1)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"))


def dual_surface(field: np.ndarray) -> Mesh:
    """Surface around where the field [R + 1]^3 is negative, with a quad for each crossed edge of the grid."""
    cubes = np.array(field.shape) - 1
    inside = np.pad(field < 0, 1)[1:-1, 1:-1, 1:-1]
    sums, counts, quads = np.zeros((*cubes, 3)), np.zeros(cubes), []
    for axis in range(3):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        below, above = np.take(field, np.arange(cubes[axis]), axis), np.take(field, np.arange(1, cubes[axis] + 1), axis)
        edge = np.argwhere((below < 0) != (above < 0))
        first = inside[tuple(edge.T)]
        place = edge.astype(float)
        place[:, axis] += below[tuple(edge.T)] / (below - above)[tuple(edge.T)]
        around = np.repeat(edge[:, None], 4, axis=1)  # the four cubes at the edge
        around[..., [a, b]] += np.array(CORNERS)
        for corner in range(4):
            np.add.at(sums, tuple(around[:, corner].T), place)
            np.add.at(counts, tuple(around[:, corner].T), 1)
        around[~first] = around[~first][:, ::-1]
        quads.append(around)
    number = np.cumsum(counts.reshape(-1) > 0).reshape(counts.shape) - 1
    quad = number[tuple(np.moveaxis(np.concatenate(quads), -1, 0))]
    vertices = sums[counts > 0] / counts[counts > 0][:, None] / cubes - 0.5
    triangles = np.concatenate([quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]])
    return Mesh(vertices, triangles, np.full((len(vertices), 3), 128))


def volume(mesh: Mesh) -> float:
    return manifold.volume(mesh.vertices.astype(float), mesh.triangles)


def assert_solid(mesh: Mesh, budget: int) -> None:
    assert is_watertight(mesh)
    assert len(mesh.triangles) <= budget
    reread = trimesh.Trimesh(mesh.vertices, mesh.triangles)  # joins vertices at the same place
    assert reread.is_watertight
    assert reread.is_winding_consistent


def shell(resolution: int, radius: float = 0.4, wall: float = 2.0) -> np.ndarray:
    """Field of a hollow ball whose wall is some cubes thick."""
    distance = np.linalg.norm(grid(resolution), axis=0) - radius
    return np.maximum(distance, -(distance + wall / resolution))


BALL = 4 / 3 * np.pi * 0.4**3


def test_two_boxes_that_share_an_edge_become_two_solids_of_the_same_volume():
    boxes = [trimesh.creation.box((1, 1, 1)), trimesh.creation.box((1, 1, 1))]
    boxes[1].apply_translation((1, 1, 0))
    joined = trimesh.util.concatenate(boxes)
    joined.merge_vertices()
    mesh = Mesh(joined.vertices, joined.faces, np.zeros((len(joined.vertices), 3)))
    assert not manifold.is_closed(mesh.triangles.astype(np.int64))
    finished = finish_mesh(mesh, triangle_budget=100)
    assert_solid(finished, 100)
    assert volume(finished) == pytest.approx(2, rel=0.05)  # its hull would have 3
    pieces = manifold.pieces(len(finished.vertices), finished.triangles.astype(np.int64))
    assert len(np.unique(pieces)) == 2


def test_two_ways_between_the_same_two_vertices_get_a_vertex_in_the_middle():
    """In a ring of boxes two touch along an edge, and around the ring they are one piece."""
    cells = [(0, 0), (1, 0), (2, 0), (2, 1), (1, 2), (0, 2), (0, 1)]  # (2, 1) and (1, 2) share an edge
    filled = np.zeros((5, 5, 3), bool)
    for x, y in cells:
        filled[x + 1, y + 1, 1] = True
    voxels = trimesh.voxel.VoxelGrid(filled).as_boxes()
    voxels.merge_vertices()
    corners = np.sort(voxels.faces, axis=1)
    _, inverse, counts = np.unique(corners, axis=0, return_inverse=True, return_counts=True)
    mesh = Mesh(voxels.vertices, voxels.faces[counts[inverse.reshape(-1)] == 1], np.zeros((len(voxels.vertices), 3)))
    finished = finish_mesh(mesh, triangle_budget=500)
    assert_solid(finished, 500)
    assert volume(finished) == pytest.approx(len(cells), rel=0.03)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), budget=st.sampled_from([300, 2000]))
def test_noise_with_ambiguous_cubes_everywhere_becomes_closed(seed, budget):
    rng = np.random.default_rng(seed)
    field = rng.normal(size=(13, 13, 13))
    field = np.pad(field, 1, constant_values=1.0)
    mesh = dual_surface(field)
    assert not manifold.is_closed(mesh.triangles.astype(np.int64))
    assert_solid(finish_mesh(mesh, triangle_budget=budget), budget)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_separating_keeps_the_volume_of_noise(seed):
    rng = np.random.default_rng(seed)
    mesh = dual_surface(np.pad(rng.normal(size=(9, 9, 9)), 1, constant_values=1.0))
    before = manifold.volume(mesh.vertices.astype(float), mesh.triangles)
    vertices, triangles = manifold.separated(*manifold.welded(mesh.vertices, mesh.triangles))
    assert manifold.is_closed(triangles)
    assert manifold.volume(vertices, triangles) == pytest.approx(before, rel=0.03)


def test_a_solid_ball_with_touching_bubbles_keeps_its_shape():
    rng = np.random.default_rng(0)
    field = np.linalg.norm(grid(48), axis=0) - 0.4
    near = np.argwhere(np.abs(field) < 1.5 / 48)
    field[tuple(near[rng.choice(len(near), 60, replace=False)].T)] *= -1
    mesh = dual_surface(field)
    finished = finish_mesh(mesh, triangle_budget=4000)
    assert_solid(finished, 4000)
    assert volume(finished) == pytest.approx(BALL, rel=0.03)


def test_the_hidden_inner_wall_of_a_shell_goes_and_the_ball_is_solid():
    mesh = dual_surface(shell(48))
    assert volume(mesh) < 0.5 * BALL
    finished = finish_mesh(mesh, triangle_budget=4000)
    assert_solid(finished, 4000)
    assert volume(finished) == pytest.approx(BALL, rel=0.03)
    assert np.linalg.norm(finished.vertices, axis=1).min() > 0.38


def test_what_floats_inside_goes_with_the_wall():
    field = np.minimum(shell(48), np.linalg.norm(grid(48), axis=0) - 0.2)
    finished = finish_mesh(dual_surface(field), triangle_budget=4000)
    assert np.linalg.norm(finished.vertices, axis=1).min() > 0.38


def punctured_shell() -> Mesh:
    x, y, z = grid(64)
    hole = np.maximum(np.hypot(x, y) - 1.5 / 64, -z)
    return dual_surface(np.maximum(shell(64, wall=3.0), -hole))


def test_a_punctured_shell_is_filled_where_that_is_asked_for():
    mesh = punctured_shell()
    kept = finish_mesh(mesh, triangle_budget=4000)
    filled = finish_mesh(mesh, triangle_budget=4000, fill_cavities=True)
    assert_solid(filled, 4000)
    assert volume(kept) < 0.5 * BALL
    assert volume(filled) == pytest.approx(BALL, rel=0.03)


def test_an_open_cup_is_no_cavity():
    x, y, z = grid(64)
    inner = np.maximum(np.hypot(x, y) - 0.25, 0.05 - z)
    field = np.maximum(np.maximum(np.hypot(x, y) - 0.35, np.abs(z) - 0.4), -inner)
    mesh = dual_surface(field)
    without, filled = (finish_mesh(mesh, triangle_budget=4000, fill_cavities=fill) for fill in (False, True))
    np.testing.assert_array_equal(filled.vertices, without.vertices)
    assert volume(filled) == pytest.approx(np.pi * (0.35**2 * 0.8 - 0.25**2 * 0.35), rel=0.04)


def test_a_narrow_slot_is_no_cavity():
    x, y, z = grid(64)
    slot = np.maximum(np.abs(x) - 1.5 / 64, -0.2 - z)
    field = np.maximum(np.max(np.abs([x, y, z]), axis=0) - 0.4, -slot)
    mesh = dual_surface(field)
    filled = finish_mesh(mesh, triangle_budget=10**6, fill_cavities=True)
    assert volume(filled) == pytest.approx(volume(mesh), rel=1e-3)


def test_colours_come_from_the_outside_of_a_thin_wall():
    mesh = dual_surface(shell(64))
    outer = np.linalg.norm(mesh.vertices, axis=1) > 0.4 - 1 / 64
    painted = Mesh(mesh.vertices, mesh.triangles, np.where(outer[:, None], [255, 0, 0], [0, 0, 255]))
    finished = finish_mesh(painted, triangle_budget=300)
    assert (finished.vertex_colors == [255, 0, 0]).all()


def test_each_side_of_a_thin_plate_keeps_its_colour():
    x, y, z = grid(64)
    mesh = dual_surface(np.max([np.abs(x) - 0.4, np.abs(y) - 0.4, np.abs(z) - 1.2 / 64], axis=0))
    painted = Mesh(mesh.vertices, mesh.triangles, np.where(mesh.vertices[:, 2:] > 0, [255, 0, 0], [0, 0, 255]))
    finished = finish_mesh(painted, triangle_budget=500)
    flat = np.abs(finished.vertices[:, :2]).max(axis=1) < 0.38
    expected = np.where(finished.vertices[flat, 2:] > 0, [255, 0, 0], [0, 0, 255])
    np.testing.assert_array_equal(finished.vertex_colors[flat], expected)


def test_a_rough_thin_walled_mug_stays_a_mug_within_a_small_budget():
    x, y, z = grid(64)
    around = np.hypot(x, y)
    field = np.maximum(np.maximum(around - 0.3, np.abs(z) - 0.4), -np.maximum(around - 0.25, -z - 0.35))
    field += np.random.default_rng(0).normal(0, 0.3 / 64, field.shape)
    finished = finish_mesh(dual_surface(field), triangle_budget=1000, fill_cavities=True)
    assert_solid(finished, 1000)
    assert volume(finished) == pytest.approx(np.pi * (0.3**2 * 0.8 - 0.25**2 * 0.75), rel=0.06)
