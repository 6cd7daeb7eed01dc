"""Mass and inertia against the formulas for boxes, balls and shifted bodies."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.geometry import Mesh
from sam3d_ros.scene_files.inertia import inertial_of, is_possible


def test_a_box_has_the_inertia_of_the_formula(kit):
    x, y, z = 0.06, 0.1, 0.2
    inertial = inertial_of(kit.box(x, y, z), 700.0)
    mass = 700.0 * x * y * z
    assert inertial.mass == pytest.approx(mass, rel=1e-6)
    expected = mass / 12 * np.diag([y * y + z * z, x * x + z * z, x * x + y * y])
    np.testing.assert_allclose(inertial.inertia_obj, expected, atol=1e-6 * expected.max())
    np.testing.assert_allclose(inertial.centre_obj, 0.0, atol=1e-8)


def test_a_ball_has_the_inertia_of_the_formula(kit):
    """5120 triangles inscribed into the ball hold 0.2 % less than it."""
    inertial = inertial_of(kit.ball(0.05), 1000.0)
    mass = 1000.0 * 4 / 3 * np.pi * 0.05**3
    assert inertial.mass == pytest.approx(mass, rel=3e-3)
    np.testing.assert_allclose(inertial.inertia_obj, 0.4 * mass * 0.05**2 * np.eye(3), atol=5e-3 * mass * 0.05**2)


def test_inertia_is_about_the_centre_of_mass(kit):
    there, mesh = np.array([0.3, -0.2, 0.5]), kit.box(0.06, 0.1, 0.2)
    moved = inertial_of(Mesh(mesh.vertices + there, mesh.triangles, mesh.vertex_colors), 500.0)
    np.testing.assert_allclose(moved.centre_obj, there, atol=1e-6)
    np.testing.assert_allclose(moved.inertia_obj, inertial_of(mesh, 500.0).inertia_obj, atol=1e-8)


def test_a_mesh_with_a_hole_is_refused(kit):
    mesh = kit.box(0.1, 0.1, 0.1)
    with pytest.raises(ValueError, match="not closed"):
        inertial_of(Mesh(mesh.vertices, mesh.triangles[1:], mesh.vertex_colors), 500.0)


def test_an_inertia_that_no_body_has_is_noticed():
    assert is_possible(np.diag([1.0, 1.0, 1.9]))
    assert not is_possible(np.diag([1.0, 1.0, 2.1]))
    assert not is_possible(np.diag([-0.1, 1.0, 1.0]))
