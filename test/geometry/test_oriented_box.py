"""What two boxes at an angle share: known answers, and a count of random points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.geometry.oriented_box import OrientedBox, box_iou

POINTS = 200_000


def pose(rotation_vector=(0.0, 0.0, 0.0), translation=(0.0, 0.0, 0.0)):
    return SE3.from_rotation(Rotation.from_rotvec(rotation_vector).as_matrix(), translation)


def random_boxes(seed):
    rng = np.random.default_rng(seed)
    return [
        OrientedBox(pose(rng.normal(size=3), rng.normal(scale=0.2, size=3) + 3.0), rng.uniform(0.3, 1.5, 3))
        for _ in range(2)
    ]


def counted_iou(a, b, seed):
    """Share of points drawn evenly in `a` that lie in `b` too, as IoU."""
    local = np.random.default_rng(seed).uniform(-0.5, 0.5, (POINTS, 3)) * a.extents
    there = b.T_a_box.inverse().apply(a.T_a_box.apply(local))
    shared = a.volume * (np.abs(there) <= b.extents / 2).all(axis=1).mean()
    return shared / (a.volume + b.volume - shared)


@given(st.integers(0, 1000))
def test_boxes_at_any_angle_share_what_random_points_count(seed):
    a, b = random_boxes(seed)
    # A share counted with 200 000 points has a standard deviation of at most 0.0011; IoU moves at most twice as much.
    assert box_iou(a, b) == pytest.approx(counted_iou(a, b, seed), abs=5 * 2 * 0.0011)


@given(st.integers(0, 1000))
def test_a_box_shares_all_with_itself_and_the_order_does_not_matter(seed):
    a, b = random_boxes(seed)
    assert box_iou(a, a) == pytest.approx(1, abs=1e-9)
    assert box_iou(a, b) == pytest.approx(box_iou(b, a), abs=1e-9)
    turned = OrientedBox(a.T_a_box @ pose((np.pi, 0, 0)), a.extents)
    assert box_iou(a, turned) == pytest.approx(1, abs=1e-9)


def test_known_overlaps():
    unit = OrientedBox(pose(), np.ones(3))
    assert box_iou(unit, OrientedBox(pose(translation=(0.5, 0, 0)), np.ones(3))) == pytest.approx(1 / 3)
    assert box_iou(unit, OrientedBox(pose(), np.full(3, 0.5))) == pytest.approx(1 / 8)
    # Two squares turned by 45 degrees share a regular octagon of area 2 (sqrt(2) - 1).
    octagon = 2 * (np.sqrt(2) - 1)
    assert box_iou(unit, OrientedBox(pose((0, 0, np.pi / 4)), np.ones(3))) == pytest.approx(octagon / (2 - octagon))


def test_boxes_apart_or_in_touch_share_nothing_and_flat_ones_have_no_answer():
    unit = OrientedBox(pose(), np.ones(3))
    assert box_iou(unit, OrientedBox(pose(translation=(3, 0, 0)), np.ones(3))) == 0
    assert box_iou(unit, OrientedBox(pose(translation=(1, 0, 0)), np.ones(3))) == pytest.approx(0, abs=1e-8)
    flat = OrientedBox(pose(), np.array([1.0, 1.0, 0.0]))
    assert box_iou(unit, flat) == 0
    assert np.isnan(box_iou(flat, flat))


def test_the_box_of_a_mesh_lies_along_the_axes_of_its_object_frame():
    mesh = Mesh(np.array([[0, 0, 0], [2, 0, 0], [0, 4, 6.0]]), np.array([[0, 1, 2]]), np.zeros((3, 3)))
    box = OrientedBox.of(mesh, pose((0, 0, np.pi / 2), (1, 0, 0)))
    np.testing.assert_allclose(box.extents, [2, 4, 6])
    np.testing.assert_allclose(box.T_a_box.translation_xyz, [1 - 2, 1, 3], atol=1e-12)


def test_negative_edges_are_refused():
    with pytest.raises(ValueError, match="three edge lengths"):
        OrientedBox(pose(), np.array([1.0, -1.0, 1.0]))
