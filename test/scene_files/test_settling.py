"""Scenes in MuJoCo: what was seen standing stays where it was seen."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.geometry import SE3
from sam3d_ros.scene_files import CollisionForm, SceneOptions, build_scene, write_scene
from sam3d_ros.scene_files.write import FileOptions

mujoco = pytest.importorskip("mujoco", reason="the simulator is not installed: pip install mujoco")

SECONDS = 2.0
# MuJoCo's contacts are soft: at rest a body sinks in by some tenths of a millimetre.
MM, DEGREES = 1.0, 0.5


def settled(objects, folder, **options) -> list[tuple[float, float, float]]:
    """Way in mm, turn in degrees and greatest speed in m/s of each body in two simulated seconds."""
    given = SceneOptions(**options)
    scene = build_scene(objects, given)
    write_scene(folder, scene, given, formats=["mjcf"], files=FileOptions())
    model = mujoco.MjModel.from_xml_path(str(folder / "scene.xml"))
    data = mujoco.MjData(model)
    fastest = np.zeros(len(scene.bodies))
    for _ in range(int(SECONDS / model.opt.timestep)):
        mujoco.mj_step(model, data)
        fastest = np.maximum(fastest, np.linalg.norm(data.qvel.reshape(-1, 6)[:, :3], axis=1))
    found = []
    for item, body, speed in zip(objects, scene.bodies, fastest, strict=True):
        place = data.body(body.name)
        T_seen_now = (scene.T_world_cam @ item.T_cam_obj).inverse() @ SE3(place.xquat, place.xpos)
        turn = 2 * np.arccos(min(1.0, abs(T_seen_now.quat_wxyz[0])))
        found.append((1e3 * float(np.linalg.norm(T_seen_now.translation_xyz)), float(np.degrees(turn)), float(speed)))
    return found


@pytest.fixture
def table(kit):
    return [
        kit.standing(1, kit.box(0.08, 0.06, 0.15), -0.15, 0.0),
        kit.standing(2, kit.cylinder(0.035, 0.12), 0.0, 0.1),
        kit.standing(3, kit.ball(0.035), 0.1, -0.05),
        kit.standing(4, kit.box(0.2, 0.15, 0.04), 0.3, 0.1),
    ]


@pytest.mark.parametrize("form", [CollisionForm.HULL, CollisionForm.MESH])
def test_boxes_cylinders_and_balls_stay_where_they_were_seen(table, tmp_path, form):
    for way_mm, turn, _ in settled(table, tmp_path / "scene", form=form):
        assert way_mm < MM
        assert turn < DEGREES


@pytest.mark.parametrize("form", [CollisionForm.HULL, CollisionForm.MESH])
@pytest.mark.parametrize("below", [0.0, 0.04])
def test_what_is_rough_below_stands_all_the_same(kit, tmp_path, form, below):
    """A tall box of thousands of triangles, on the table and on another box."""
    slab = kit.standing(1, kit.box(0.2, 0.2, 0.04), 0.0, 0.0)
    tall = kit.standing(2, kit.rough_below(0.05, 0.05, 0.16), 0.0, 0.0, above=below)
    *_, (way_mm, turn, speed) = settled([slab, tall] if below else [tall], tmp_path / "scene", form=form)
    assert way_mm < 2 * MM
    assert turn < 2 * DEGREES
    assert speed < 0.1


@pytest.mark.parametrize("form", [CollisionForm.HULL, CollisionForm.MESH])
def test_what_stands_on_a_rough_top_gets_a_seat(kit, tmp_path, form):
    lower, upper = kit.upside_down(kit.rough_below(0.1, 0.1, 0.06)), kit.box(0.05, 0.05, 0.16)
    objects = [kit.standing(1, lower, 0.0, 0.0), kit.standing(2, upper, 0.01, 0.0, above=0.057)]
    scene = build_scene(objects, SceneOptions(form=form))
    assert [len(body.parts) for body in scene.bodies] == [2, 1]
    for way_mm, turn, speed in settled(objects, tmp_path / "scene", form=form):
        assert way_mm < 3 * MM
        assert turn < 3 * DEGREES
        assert speed < 0.1


def test_nothing_is_put_between_bodies_side_by_side_or_apart(kit):
    beside = [kit.standing(1, kit.box(0.06, 0.06, 0.1), 0.0, 0.0), kit.standing(2, kit.box(0.06, 0.06, 0.1), 0.1, 0.0)]
    above = [beside[0], kit.standing(2, kit.box(0.06, 0.06, 0.06), 0.0, 0.0, above=0.13)]
    for objects in (beside, above):
        assert [len(body.parts) for body in build_scene(objects, SceneOptions()).bodies] == [1, 1]


def test_convex_parts_stay_as_well(table, tmp_path):
    pytest.importorskip("coacd", reason="convex decomposition is not installed: pip install coacd")
    for way_mm, turn, _ in settled(table[:2], tmp_path / "scene", form=CollisionForm.CONVEX):
        assert way_mm < 2 * MM
        assert turn < 2 * DEGREES


def test_a_stack_stays_a_stack(kit, table, tmp_path):
    table.append(kit.standing(5, kit.box(0.06, 0.06, 0.06), 0.3, 0.1, above=0.04))
    for way_mm, turn, _ in settled(table, tmp_path / "scene"):
        assert way_mm < MM
        assert turn < DEGREES


@pytest.mark.parametrize("above", [0.001, -0.001, -0.004])
def test_what_floats_or_sinks_by_millimetres_comes_to_rest_gently(kit, table, tmp_path, above):
    table[0] = kit.standing(1, kit.box(0.08, 0.06, 0.15), -0.15, 0.0, above=above)
    for way_mm, turn, speed in settled(table, tmp_path / "scene"):
        assert way_mm < MM
        assert turn < DEGREES
        assert speed < 0.1


def test_neighbours_that_overlap_slightly_do_not_explode(kit, tmp_path):
    """Three millimetres within each other, side by side: one is moved by as much, and nothing more happens."""
    edges = [kit.standing(label, kit.box(0.06, 0.06, 0.1), x, 0.0, turn=0.0) for label, x in ((1, 0.0), (2, 0.057))]
    ways = settled(edges, tmp_path / "scene")
    assert max(way_mm for way_mm, _, _ in ways) < 3 + MM
    assert max(speed for _, _, speed in ways) < 0.1


def test_an_upper_body_that_sinks_into_the_lower_one_is_cut_below(kit, tmp_path):
    lower, upper = kit.box(0.2, 0.2, 0.05), kit.box(0.08, 0.08, 0.1)
    objects = [kit.standing(1, lower, 0.0, 0.0), kit.standing(2, upper, 0.0, 0.0, above=0.045)]
    for way_mm, turn, speed in settled(objects, tmp_path / "scene"):
        assert way_mm < MM
        assert turn < DEGREES
        assert speed < 0.1
