"""Antipodal grasps of a parallel-jaw gripper: found where they must be, free of collision, and held when it closes."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from sam3d_ros.geometry import Mesh
from sam3d_ros.geometry.antipodal import (
    ApproachConfig,
    ContactPairs,
    approach_pairs,
    cone_margins,
    sample_contact_pairs,
)
from sam3d_ros.geometry.grasp_closing import close_jaws
from sam3d_ros.geometry.grasp_planning import Surroundings, find_collisions, plan_grasps, plan_on_mesh
from sam3d_ros.geometry.gripper import Grasps, Gripper
from sam3d_ros.geometry.plane import Plane
from sam3d_ros.geometry.sampling import sample_surface

UP = (0.0, 0.0, 1.0)
TABLE = Plane(np.array(UP), 0.0)
HAND = Gripper()
NOTHING = np.zeros((0, 3))
BOX = (0.05, 0.12, 0.14)  # m, on the table


def on_table(shape):
    shape.apply_translation([0, 0, -shape.bounds[0, 2]])
    return Mesh(shape.vertices, shape.faces, np.zeros((len(shape.vertices), 3), np.uint8))


def box(extents=BOX):
    return on_table(trimesh.creation.box(extents))


def cylinder(radius=0.03, height=0.15):
    return on_table(trimesh.creation.cylinder(radius, height, sections=128))


def pairs_of(mesh, count=500, seed=0):
    return sample_contact_pairs(mesh, count, max_width=HAND.max_width, seed=seed)


def around(mesh, others=NOTHING):
    return Surroundings(sample_surface(mesh, 8000, 0).points, others, TABLE)


def grasp(tips, axis=(1.0, 0.0, 0.0), approach=(0.0, 0.0, -1.0)):
    """A single grasp at its fingertips."""
    tips, axis, approach = (np.array([vector], np.float64) for vector in (tips, axis, approach))
    return Grasps(tips, axis / np.linalg.norm(axis), approach, np.stack([tips, tips], axis=1), np.ones(1))


def test_pairs_on_a_box_lie_on_its_two_near_sides():
    pairs = pairs_of(box())
    assert len(pairs) > 80
    np.testing.assert_allclose(np.abs(pairs.points[:, :, 0]), 0.025, atol=1e-4)
    assert (pairs.points[:, 0, 0] * pairs.points[:, 1, 0] < 0).all()


def test_pairs_on_a_cylinder_go_through_its_axis_as_far_as_friction_allows():
    pairs = pairs_of(cylinder())
    assert len(pairs) > 200
    start, line = pairs.points[:, 0, :2], pairs.points[:, 1, :2] - pairs.points[:, 0, :2]
    off = np.abs(start[:, 0] * line[:, 1] - start[:, 1] * line[:, 0]) / np.linalg.norm(line, axis=1)
    assert off.max() < 0.03 * np.sin(np.arctan(0.45)) + 1e-3


def test_no_pair_is_wider_than_the_gripper_and_none_is_found_on_what_is_too_wide():
    assert np.linalg.norm(np.ptp(pairs_of(box()).points, axis=1), axis=1).max() <= HAND.max_width
    wide = pairs_of(box((0.1, 0.12, 0.14)))
    assert len(wide) == 0
    assert len(approach_pairs(wide, UP)) == 0
    assert len(plan_on_mesh(box((0.1, 0.12, 0.14)), HAND, around(box((0.1, 0.12, 0.14))))) == 0


def test_the_same_seed_gives_the_same_pairs():
    first, again, other = (pairs_of(cylinder(), seed=seed).points for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert len(first) != len(other) or not np.array_equal(first, other)


def test_the_margin_is_one_along_the_normals_and_zero_on_the_rim_of_the_cone():
    tilt = np.arctan(0.5)
    normals = np.array(
        [[[-1.0, 0, 0], [1, 0, 0]], [[-np.cos(tilt), np.sin(tilt), 0], [1, 0, 0]], [[-1, 0, 0], [0, 1, 0]]]
    )
    points = np.array([[[0.0, 0, 0], [0.05, 0, 0]]] * 3)
    margins = cone_margins(points, normals, friction=0.5)
    np.testing.assert_allclose(margins[:2], [1, 0], atol=1e-9)
    assert margins[2] < 0


def test_hands_come_from_above_at_right_angles_to_their_axis_and_their_poses_say_so():
    config = ApproachConfig()
    hands = approach_pairs(pairs_of(cylinder()), UP, config)
    assert len(hands) % len(config.reaches) == 0
    assert (hands.approaches[:, 2] <= -config.min_descent).all()
    np.testing.assert_allclose((hands.approaches * hands.axes).sum(axis=1), 0, atol=1e-9)
    T_obj_grasp = hands.pose(5)
    middle = T_obj_grasp.apply([0, 0, -config.reaches[0]])
    np.testing.assert_allclose(middle, hands.contacts[5].mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(T_obj_grasp.rotation[:, 0], hands.axes[5], atol=1e-9)


def test_an_upright_closing_axis_has_approaches_of_its_own():
    points = np.array([[[0.0, 0, 0], [0, 0, 0.04]]])
    normals = np.array([[[0.0, 0, -1], [0, 0, 1]]])
    hands = approach_pairs(ContactPairs(points, normals), UP, ApproachConfig(min_descent=-0.1))
    np.testing.assert_allclose(hands.approaches[:, 2], 0, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(hands.approaches, axis=1), 1)


def test_the_jaws_close_on_both_sides_of_a_box_and_hold_it():
    closing = close_jaws(grasp((0, 0, 0.11)), HAND, box())
    np.testing.assert_allclose(closing.points[0, :, 0], [-0.025, 0.025], atol=1e-5)
    np.testing.assert_allclose(closing.normals[0], [[-1, 0, 0], [1, 0, 0]], atol=1e-5)
    assert closing.touches.all()
    assert closing.holds().all()
    assert not closing.embedded.any()


def test_the_jaws_do_not_hold_a_box_at_its_corner():
    corner = (0.025, 0.06, 0.11)
    closing = close_jaws(grasp(corner, axis=(1.0, 0.6, 0.0)), HAND, box())
    assert closing.touches.all()
    assert not closing.holds().any()


def test_jaws_that_miss_touch_nothing_and_hold_nothing():
    closing = close_jaws(grasp((0.3, 0, 0.11)), HAND, box())
    assert not closing.touches.any()
    assert not closing.holds().any()


def test_a_pad_that_starts_inside_what_is_too_wide_is_noticed():
    wide = box((0.12, 0.12, 0.14))
    assert close_jaws(grasp((0, 0, 0.11)), HAND, wide).embedded.all()
    assert find_collisions(grasp((0, 0, 0.11)), HAND, around(wide)).own.all()


@pytest.mark.parametrize(("height", "hits"), [(0.10, False), (0.004, False), (0.002, True), (-0.01, True)])
def test_fingers_in_the_table_are_noticed(height, hits):
    low = box((0.05, 0.12, 0.03))
    assert find_collisions(grasp((0, 0, height)), HAND, around(low)).table.all() == hits


def test_a_hand_from_the_side_has_its_palm_in_the_table():
    level = grasp((0, 0, 0.02), axis=(0, 1.0, 0), approach=(1.0, 0, 0))
    assert find_collisions(level, HAND, around(cylinder())).table.all()


@pytest.mark.parametrize(
    ("place", "hits"), [((0.0, 0.0), True), ((0.048, 0.0), True), ((0.0, 0.03), False), ((0.2, 0.0), False)]
)
def test_other_objects_are_in_the_way_of_fingers_and_of_their_closing(place, hits):
    other = np.array([[*place, 0.11]])
    found = find_collisions(grasp((0, 0, 0.10)), HAND, around(box((0.05, 0.02, 0.14)), other))
    assert found.others.all() == hits
    assert not found.own.any()
    assert found.free.all() != hits


def test_fingers_that_reach_too_far_bring_the_palm_onto_the_object():
    assert not find_collisions(grasp((0, 0, 0.11)), HAND, around(box())).own.any()
    assert find_collisions(grasp((0, 0, 0.09)), HAND, around(box())).own.all()


@pytest.mark.parametrize("mesh", [box(), cylinder(), box((0.06, 0.04, 0.02))], ids=["box", "cylinder", "flat box"])
def test_what_is_planned_on_the_true_shape_holds_there_and_runs_into_nothing(mesh):
    plan = plan_on_mesh(mesh, HAND, around(mesh))
    assert len(plan) > 10
    assert find_collisions(plan, HAND, around(mesh), clearance=0.0).free.all()
    assert close_jaws(plan, HAND, mesh).holds().all()
    assert plan.widths.max() <= HAND.max_width
    best = plan.chosen(np.arange(10))
    assert best.margins.min() > 0.5
    assert np.median(np.abs(best.contacts.mean(axis=1)[:, :2])) < 0.02


def test_the_deepest_free_reach_of_a_hand_is_planned_and_the_best_hand_is_first():
    tips = [(0, 0.05, 0.09), (0, 0, 0.09), (0, 0.05, 0.11), (0, 0, 0.11), (0, 0.05, 0.12), (0, 0, 0.12)]
    parts = [grasp(place) for place in tips]  # two hands with three reaches each; the first has the palm in the box
    hands = Grasps(*(np.concatenate([getattr(part, name) for part in parts]) for name in Grasps.__slots__))
    plan = plan_grasps(hands, 3, HAND, around(box()))
    np.testing.assert_allclose(plan.tips, [(0, 0, 0.11), (0, 0.05, 0.11)])
    usable = np.array([True, True, False, True, True, True])
    np.testing.assert_allclose(plan_grasps(hands, 3, HAND, around(box()), usable=usable).tips[1], (0, 0.05, 0.12))


def test_sizes_of_a_gripper_are_checked():
    with pytest.raises(ValueError, match="max_width"):
        Gripper(max_width=0.0)
    with pytest.raises(ValueError, match="pad_length"):
        Gripper(pad_length=0.1)
