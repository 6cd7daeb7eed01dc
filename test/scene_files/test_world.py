"""Where up is and how high the table lies."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.scene_files import SceneOptions, build_scene
from sam3d_ros.scene_files.world import common_up, support_height


def test_one_object_that_lies_down_does_not_turn_the_world():
    axes = np.array([[0.02, 0, 1], [-0.02, 0, 1], [0, 0.02, 1], [1, 0, 0.0]])
    up = common_up(axes / np.linalg.norm(axes, axis=1, keepdims=True))
    assert np.degrees(np.arccos(up[2])) < 1.0


def test_what_stands_on_other_objects_does_not_raise_the_table():
    assert support_height(np.array([0.001, 0.121, -0.001, 0.2, 0.003])) == pytest.approx(0.001)


def test_of_two_equal_groups_the_lower_one_is_the_table():
    assert support_height(np.array([0.3, 0.1])) == pytest.approx(0.1)


def test_the_world_is_that_of_the_table(kit):
    objects = [kit.standing(1, kit.box(0.08, 0.06, 0.15), -0.1, 0.0), kit.standing(2, kit.ball(0.04), 0.1, 0.05)]
    scene = build_scene(objects, SceneOptions())
    T_world_table = scene.T_world_cam @ kit.T_cam_table()
    np.testing.assert_allclose(T_world_table.rotation, np.eye(3), atol=1e-6)
    assert abs(T_world_table.translation_xyz[2]) < 1e-6


def test_up_from_the_caller_is_taken_as_it_is(kit):
    objects = [kit.standing(1, kit.box(0.08, 0.06, 0.15), 0.0, 0.0)]
    scene = build_scene(objects, SceneOptions(up_cam=np.array([0.0, -2.0, 0.0])))
    np.testing.assert_allclose(scene.T_world_cam.rotation[2], [0, -1, 0], atol=1e-9)
