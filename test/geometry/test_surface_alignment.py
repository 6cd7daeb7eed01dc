"""Surfaces laid onto each other: known motions come back, free directions stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.geometry.metrics import rotation_error
from sam3d_ros.geometry.surface_alignment import align_surfaces


def plain(shape):
    return Mesh(shape.vertices, shape.faces, np.zeros((len(shape.vertices), 3)))


def turn(degrees, shift=(0.0, 0.0, 0.0)):
    """A turn about x, y and z, then a shift."""
    return SE3.from_rotation(Rotation.from_euler("xyz", degrees, degrees=True).as_matrix(), shift)


def angle(motion):
    return np.degrees(rotation_error(motion, SE3.identity()))


@pytest.mark.parametrize("degrees", [(0, 0, 0), (3, -5, 8), (-12, 10, 15)])
def test_a_known_motion_is_undone(degrees):
    mesh = plain(trimesh.creation.box((0.10, 0.06, 0.16)))
    there = turn((0, 0, 0), (0.1, -0.2, 0.7))
    motion = there @ turn(degrees, (0.01, -0.02, 0.03))
    back = there.inverse() @ align_surfaces(mesh.transformed(motion), mesh.transformed(there)) @ motion
    # Nearest places come in single precision, of coordinates about the object's size.
    assert angle(back) < 0.01
    np.testing.assert_allclose(back.translation_xyz, 0, atol=1e-5)


def test_a_turn_that_the_surfaces_do_not_show_is_left_alone():
    cylinder = plain(trimesh.creation.cylinder(0.04, 0.12, sections=256))
    assert angle(align_surfaces(cylinder.transformed(turn((0, 0, 40), (0.003, 0.002, 0.001))), cylinder)) < 1
    ball = plain(trimesh.creation.icosphere(4, 0.05))
    assert angle(align_surfaces(ball.transformed(turn((20, 30, 40))), ball)) < 1


def test_a_small_part_decides_a_turn_that_the_rest_leaves_open():
    body = trimesh.creation.cylinder(0.04, 0.10, sections=64)
    handle = trimesh.creation.box((0.03, 0.01, 0.06)).apply_translation((0.055, 0, 0))
    cup, with_handle = plain(body), plain(trimesh.util.concatenate([body, handle]))
    smaller = plain(trimesh.util.concatenate([body, handle.copy().apply_scale((1, 1, 0.8))]))
    assert angle(align_surfaces(smaller.transformed(turn((0, 0, 10))), with_handle)) == pytest.approx(10, abs=1)
    # Where it is missing, nothing but the facets says how the cup is turned, and so it does not go far (6 degrees).
    assert angle(align_surfaces(cup, with_handle)) < 10


def test_either_may_be_the_one_that_moves():
    a, b = (plain(trimesh.creation.box(edges)) for edges in ((0.10, 0.06, 0.16), (0.11, 0.05, 0.15)))
    moved = a.transformed(turn((4, -6, 9), (0.01, 0.0, -0.01)))
    assert angle(align_surfaces(moved, b) @ align_surfaces(b, moved)) < 0.5


def test_triangles_without_area_have_no_say():
    """A needle that stands on a side is the nearest place for what was moved beyond the side."""
    box = plain(trimesh.creation.box((0.1, 0.06, 0.04)).subdivide())
    needle = np.array([[0.05, 0.0, 0.0], [0.056, 0.0, 0.0]], np.float32)
    first = len(box.vertices)
    broken = Mesh(
        np.concatenate([box.vertices, needle]),
        np.concatenate([box.triangles, [[first, first + 1, first + 1]]]),
        np.zeros((first + 2, 3)),
    )
    motion = SE3.from_rotation(np.eye(3), [0.004, -0.003, 0.002])
    found = align_surfaces(box.transformed(motion.inverse()), broken)
    np.testing.assert_allclose(found.translation_xyz, motion.translation_xyz, atol=2e-4)
    found = align_surfaces(broken, box.transformed(motion))
    np.testing.assert_allclose(found.translation_xyz, motion.translation_xyz, atol=2e-4)
