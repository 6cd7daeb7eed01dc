"""Planners, verdicts and tables of the grasp benchmark."""

from __future__ import annotations

import bench_grasps
import numpy as np
import pytest
import trimesh
from grasp_beliefs import seen_table, truth_planner
from grasp_candidates import HAND, beside_seen, between_seen
from grasp_tables import Row, empty_table, failure_table, main_table, pair_table, share
from grasp_verdicts import Outcome, TrueScene, judge
from PIL import Image
from scanned_scenes import make_scene

from sam3d_ros.geometry import Mesh
from sam3d_ros.geometry.grasp_planning import Surroundings
from sam3d_ros.geometry.gripper import Grasps
from sam3d_ros.geometry.plane import Plane
from sam3d_ros.geometry.sampling import sample_surface

TABLE = Plane(np.array([0.0, 0.0, -1.0]), 0.6)  # 0.6 m before a camera that looks down
HOLDS, SLIPS, TABLE_HIT = Outcome.HOLDS, Outcome.SLIPS, Outcome.TABLE


def box_below(extents, x=0.0):
    """A box on the table below the camera."""
    shape = trimesh.creation.box(extents)
    shape.apply_translation([x, 0, 0.6 - extents[2] / 2])
    return Mesh(shape.vertices, shape.faces, np.zeros((8, 3), np.uint8))


def true_scene(*meshes):
    named = dict(enumerate(meshes, start=1))
    return TrueScene(named, {k: sample_surface(mesh, 20_000, 0).points for k, mesh in named.items()}, TABLE)


def grasp(tips, axis=(1.0, 0.0, 0.0)):
    """A grasp from above at its fingertips."""
    tips, axis = np.array([tips], np.float64), np.array([axis], np.float64)
    down = np.array([[0.0, 0.0, 1.0]])
    return Grasps(tips, axis / np.linalg.norm(axis), down, np.stack([tips, tips], axis=1), np.ones(1))


@pytest.mark.parametrize(
    ("tips", "axis", "outcome"),
    [
        ((0.0, 0.0, 0.54), (1, 0, 0), Outcome.HOLDS),
        ((0.0, 0.0, 0.61), (1, 0, 0), Outcome.TABLE),
        ((0.0, 0.0, 0.54), (0, 1, 0), Outcome.TOO_WIDE),
        ((0.0, 0.0, 0.585), (1, 0, 0), Outcome.OBJECT),  # the palm comes down on its top
        ((0.0, 0.2, 0.54), (1, 0, 0), Outcome.MISSES),
        ((0.011, 0.046, 0.54), (1, -1, 0), Outcome.SLIPS),  # across a corner
        ((0.02, 0.0, 0.595), (1, 0, 0), Outcome.OTHER),
    ],
)
def test_every_outcome_has_its_reason(tips, axis, outcome):
    scene = true_scene(box_below((0.05, 0.12, 0.09)), box_below((0.05, 0.12, 0.03), x=0.09))
    assert judge(grasp(tips, axis), HAND, scene, 1) == (outcome,)


def test_fingers_beside_a_seen_top_hold_the_box_under_it():
    mesh = box_below((0.05, 0.12, 0.09))
    top = np.random.default_rng(0).uniform([-0.025, -0.06, 0.51], [0.025, 0.06, 0.51], (3000, 3))
    plan = beside_seen(top, Surroundings(top, np.zeros((0, 3)), TABLE), seed=0)
    best = plan.chosen(np.arange(10))
    outcomes = judge(best, HAND, true_scene(mesh), 1)
    assert outcomes.count(HOLDS) >= 8
    assert np.abs(best.axes[:, 0]).min() > 0.9
    again = beside_seen(top, Surroundings(top, np.zeros((0, 3)), TABLE), seed=0)
    np.testing.assert_array_equal(again.tips, plan.tips)


def test_two_seen_contacts_are_found_on_a_ball_and_not_on_a_flat_top():
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(9000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    seen = [0.0, 0.0, 0.57] + 0.03 * directions[directions[:, 2] < 0]
    nothing = np.zeros((0, 3))
    assert len(between_seen(seen, Surroundings(seen, nothing, TABLE), seed=0)) > 10
    top = rng.uniform([-0.025, -0.06, 0.51], [0.025, 0.06, 0.51], (3000, 3))
    assert len(between_seen(top, Surroundings(top, nothing, TABLE), seed=0)) == 0


def test_who_knows_the_truth_plans_what_holds(scans):
    scene = make_scene(scans, 1003)
    truth = TrueScene.of(scene)
    assert np.degrees(np.arccos(seen_table(scene.frame).normal_xyz @ truth.table.normal_xyz)) < 0.5
    for mesh in truth.meshes.values():
        assert truth.table.signed_distance(mesh.vertices).min() == pytest.approx(0, abs=0.001)
    plans = truth_planner(truth).plans(scene.frame, sorted(truth.meshes), truth.table, 0)
    for plan in plans:
        outcomes = judge(plan.grasps.chosen(np.arange(min(10, len(plan.grasps)))), HAND, truth, plan.label)
        assert set(outcomes) <= {HOLDS}


def rows():
    return [
        Row("one", 0, 1, (HOLDS, SLIPS), 10.0),
        Row("one", 1, 1, (SLIPS, TABLE_HIT), 20.0),
        Row("one", 1, 2, (), 30.0),
        Row("true", 0, 1, (HOLDS,), 1.0),
        Row("true", 1, 1, (HOLDS,), 1.0),
        Row("true", 1, 2, (), 1.0),
    ]


def test_shares_count_what_was_tried_and_their_interval_is_over_scenes():
    own = rows()[:3]
    mean, low, high = share(own, lambda row: row.held, lambda row: len(row.outcomes))
    assert (mean, low, high) == (0.25, 0.0, 0.5)
    assert np.isnan(share(own[2:], lambda row: row.held, lambda row: len(row.outcomes))[0])


def test_tables_say_what_was_counted():
    assert "| one | 67 % (50 to 100) | 50 % (0 to 100) | 25 % (0 to 50) | 33 % (0 to 100) | 20 |" in main_table(rows())
    assert "| one | 33% | 0% | 0% | 0% | 0% | 67% | 3 |" in failure_table(rows())
    pairs = pair_table(rows(), "one", "true")
    assert "on 2 objects" in pairs
    assert "| true | 100 % (100 to 100) | 0 | 1 |" in pairs
    assert "| one | 0 | 0 |" in empty_table(rows(), "true")


def test_the_program_prints_its_tables_and_draws_examples(shared_data, tmp_path, capsys):
    picture = tmp_path / "grasps.png"
    arguments = ["--scenes", "1", "--seed", "1003", "--pictures", str(picture), "--data", str(shared_data)]
    bench_grasps.main(arguments)
    printed = capsys.readouterr().out
    assert printed.startswith("2 objects in 1 scenes")
    for name in ("points, fingers beside them", "hull of visible points", "geometric", "sam3d", "true mesh"):
        assert f"| {name} | " in printed
    drawn = np.asarray(Image.open(picture)).astype(int)
    green = (drawn[..., 1] > drawn[..., 0] + 40) & (drawn[..., 1] > drawn[..., 2] + 40)
    assert green.sum() > 300
