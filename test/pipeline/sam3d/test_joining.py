"""Halves of an object become one body, unless the camera saw through between them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from sam3d_ros.pipeline.finish import is_watertight
from sam3d_ros.pipeline.manifold import pieces
from sam3d_ros.pipeline.sam3d.cube_surface import cube_surface
from sam3d_ros.pipeline.sam3d.joining import joined

RESOLUTION = 32
NOWHERE = np.zeros((RESOLUTION,) * 3, bool)


def blocks(*boxes):
    """A field with these boxes ((x0, x1), (y0, y1), (z0, z1)) of voxels inside."""
    field = np.full((RESOLUTION,) * 3, 0.5, np.float32)
    for (x0, x1), (y0, y1), (z0, z1) in boxes:
        field[x0:x1, y0:y1, z0:z1] = -0.5
    return field


LEFT, RIGHT = ((2, 10), (10, 20), (10, 20)), ((20, 28), (12, 18), (14, 22))
FAR = ((14, 18), (26, 30), (10, 14))


def count(field):
    return ndimage.label(field < 0, np.ones((3, 3, 3)))[1]


def test_halves_are_joined_to_one_closed_body():
    field = blocks(LEFT, RIGHT, FAR)
    whole = joined(field, NOWHERE)
    assert count(field) == 3
    assert count(whole) == 1
    mesh = cube_surface(whole, smoothing=6)
    assert is_watertight(mesh)
    assert len(np.unique(pieces(len(mesh.vertices), mesh.triangles.astype(np.int64)))) == 1
    np.testing.assert_array_equal(whole[field < 0], field[field < 0])
    assert (whole[field > 0] < 0).sum() < 0.1 * (field < 0).sum()


def test_what_was_seen_through_stays_open():
    free = NOWHERE.copy()
    free[11:19] = True
    field = blocks(LEFT, RIGHT)
    np.testing.assert_array_equal(joined(field, free), field)


def test_a_bridge_is_narrow_where_space_beside_it_is_free():
    free = NOWHERE.copy()
    free[11:19, :12] = free[11:19, 16:] = True
    whole = joined(blocks(LEFT, RIGHT), free)
    assert count(whole) == 1
    assert not (free & (whole < 0)).any()


@pytest.mark.parametrize("boxes", [(), (LEFT,), (LEFT, ((25, 26), (25, 26), (25, 26)))], ids=["none", "one", "a crumb"])
def test_fields_with_nothing_to_join_are_the_same(boxes):
    field = blocks(*boxes)
    assert joined(field, NOWHERE) is field
