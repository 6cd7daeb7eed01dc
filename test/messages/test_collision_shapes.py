"""Shapes for planners: closed, within their budget, around the mesh."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from sam3d_ros.geometry import Mesh
from sam3d_ros.messages.collision_shapes import CollisionForm, collision_parts
from sam3d_ros.pipeline.finish import is_watertight


def cup() -> Mesh:
    """A thick-walled open cup, 8 cm wide: its hull fills the hollow."""
    shape = trimesh.creation.revolve(
        [[0, 0], [0.04, 0], [0.04, 0.1], [0.032, 0.1], [0.032, 0.01], [0, 0.01]], sections=64
    )
    return Mesh(shape.vertices, shape.faces, np.full((len(shape.vertices), 3), 90, np.uint8))


def volume(parts: list[Mesh]) -> float:
    return sum(trimesh.Trimesh(part.vertices, part.triangles, process=False).volume for part in parts)


@pytest.mark.parametrize("form", [CollisionForm.HULL, CollisionForm.MESH])
@pytest.mark.parametrize("max_triangles", [40, 200])
def test_one_shape_is_closed_and_within_its_budget(form, max_triangles):
    (part,) = collision_parts(cup(), form, max_triangles=max_triangles)
    assert is_watertight(part)
    assert 4 <= len(part.triangles) <= max_triangles


def test_a_hull_fills_the_hollow_and_the_surface_keeps_it():
    filled, surface = (
        volume(collision_parts(cup(), form, max_triangles=200)) for form in (CollisionForm.HULL, CollisionForm.MESH)
    )
    assert filled > 2 * volume([cup()])
    assert surface == pytest.approx(volume([cup()]), rel=0.1)


def test_several_hulls_keep_the_hollow_each_within_the_budget():
    pytest.importorskip("coacd", reason="convex decomposition is not installed: pip install coacd")
    parts = collision_parts(cup(), CollisionForm.DECOMPOSITION, max_triangles=40)
    assert len(parts) > 1
    for part in parts:
        assert is_watertight(part)
        assert 4 <= len(part.triangles) <= 40
    assert volume(parts) < 1.5 * volume([cup()])


@pytest.mark.parametrize("form", [CollisionForm.HULL, CollisionForm.MESH])
def test_a_flat_mesh_has_no_shape(form):
    flat = Mesh(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.0]]), np.array([[0, 1, 2]]), np.zeros((3, 3), np.uint8))
    assert collision_parts(flat, form, max_triangles=100) == []
