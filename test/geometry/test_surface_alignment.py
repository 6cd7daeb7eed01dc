"""Points laid onto a surface: known motions come back, free directions stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.geometry.metrics import rotation_error, translation_error
from sam3d_ros.geometry.sampling import sample_surface
from sam3d_ros.geometry.surface_alignment import align_to_surface


def plain(shape):
    return Mesh(shape.vertices, shape.faces, np.zeros((len(shape.vertices), 3)))


def moved(mesh, degrees, shift):
    """Surface points of a mesh, and the motion by which they left it: a turn about x, y and z, then a shift."""
    rotation = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    motion = SE3.from_rotation(rotation, shift)
    return motion.apply(sample_surface(mesh, 2000, seed=1).points), motion


@pytest.mark.parametrize("degrees", [(0, 0, 0), (3, -5, 8), (-12, 10, 15)])
def test_a_known_motion_is_undone(degrees):
    mesh = plain(trimesh.creation.box((0.10, 0.06, 0.16)).apply_translation((0.1, -0.2, 0.7)))
    points, motion = moved(mesh, degrees, (0.01, -0.02, 0.03))
    back = align_to_surface(points, mesh) @ motion
    # Nearest places come in single precision: 1e-7 of the object's size.
    assert np.degrees(rotation_error(back, SE3.identity())) < 0.01
    assert translation_error(SE3(back.quat_wxyz, back.apply(points.mean(axis=0))), _at(points.mean(axis=0))) < 1e-4


def test_a_turn_that_the_surface_does_not_show_is_left_alone():
    mesh = plain(trimesh.creation.cylinder(0.04, 0.12, sections=256))
    points, _ = moved(mesh, (0, 0, 40), (0.003, 0.002, 0.001))
    motion = align_to_surface(points, mesh)
    assert np.degrees(rotation_error(motion, SE3.identity())) < 1
    ball = plain(trimesh.creation.icosphere(4, 0.05))
    assert np.degrees(rotation_error(align_to_surface(moved(ball, (20, 30, 40), (0.0, 0, 0))[0], ball), _at())) < 1


def _at(place=(0.0, 0.0, 0.0)):
    return SE3(np.array([1.0, 0.0, 0.0, 0.0]), np.asarray(place, np.float64))
