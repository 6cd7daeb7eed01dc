"""Smaller meshes for messages; no ROS is needed."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import trimesh

from sam3d_ros.geometry import Mesh
from sam3d_ros.messages import convex_parts
from sam3d_ros.messages.mesh_reduction import capped, convex_hull


def mesh_of(shape):
    return Mesh(shape.vertices, shape.faces, np.full((len(shape.vertices), 3), 77, np.uint8))


TORUS = mesh_of(trimesh.creation.torus(0.1, 0.03))


def test_a_mesh_within_its_budget_is_handed_on_untouched():
    assert capped(TORUS, len(TORUS.triangles)) is TORUS


@pytest.mark.parametrize("budget", [1500, 600, 200])
def test_a_capped_mesh_keeps_its_shape(budget):
    small = capped(TORUS, budget)
    assert len(small.triangles) <= budget
    assert (small.vertex_colors == 77).all()
    volume = trimesh.Trimesh(small.vertices, small.triangles).volume
    assert volume == pytest.approx(trimesh.Trimesh(TORUS.vertices, TORUS.triangles).volume, rel=0.1)


@pytest.mark.parametrize("budget", [4, 60, 200, 100_000])
def test_a_hull_is_closed_convex_outward_and_in_its_budget(budget):
    hull = convex_hull(TORUS, budget)
    shape = trimesh.Trimesh(hull.vertices, hull.triangles, process=False)
    assert len(hull.triangles) <= budget
    assert shape.is_watertight
    assert shape.is_convex
    assert shape.volume > 0
    full = trimesh.Trimesh(TORUS.vertices).convex_hull.volume
    assert shape.volume <= full * 1.0001
    if budget >= 200:
        assert shape.volume > 0.93 * full


@pytest.mark.parametrize("count", [0, 3, 20])
def test_flat_meshes_have_no_hull(count):
    points = np.random.default_rng(0).random((count, 3)) * [1, 1, 0]
    assert convex_hull(Mesh(points, np.zeros((0, 3)), np.zeros((count, 3))), 100) is None


def test_decomposition_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "coacd", None)
    monkeypatch.setattr(convex_parts, "find_spec", lambda name: None)
    with pytest.raises(convex_parts.DecompositionUnavailableError, match="pip install coacd"):
        convex_parts.convex_parts(TORUS)


def test_decomposition_keeps_the_hole_of_a_ring():
    pytest.importorskip("coacd", reason="coacd is missing: pip install coacd")
    parts = convex_parts.convex_parts(TORUS)
    assert len(parts) > 3
    centre_is_free = [not trimesh.Trimesh(p.vertices, p.triangles).convex_hull.contains([[0, 0, 0]])[0] for p in parts]
    assert all(centre_is_free)
