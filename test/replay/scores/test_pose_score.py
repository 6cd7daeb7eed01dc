"""Pose figures of results whose place is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import trimesh

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.lie import so3_exp
from sam3d_ros.geometry.render import render
from sam3d_ros.geometry.symmetries import discretised_symmetries
from sam3d_ros.pipeline import Frame
from sam3d_ros.replay.scores.normalised_shape import score_normalised
from sam3d_ros.replay.scores.pose_score import score_pose
from sam3d_ros.replay.scores.shape_score import TruthSurface, score_mesh
from sam3d_ros.replay.truth.truth_object import TruthObject

CAMERA = PinholeCamera(160, 120, 200.0, 200.0, 79.5, 59.5)
POSE = SE3(np.array([0.9, 0.3, -0.2, 0.1]), np.array([0.02, -0.01, 0.6]))
EDGES = (0.10, 0.06, 0.14)
DIAMETER = float(np.linalg.norm(EDGES))
NONE = discretised_symmetries()
# Nearest places come in single precision, and the diameter is right to 0.2 %.
NOTHING_MM = 0.02


def box(*edges):
    shape = trimesh.creation.box(edges)
    return Mesh(shape.vertices, shape.faces, np.full((len(shape.vertices), 3), 128))


@pytest.fixture(scope="module")
def frame() -> Frame:
    rendering = render([box(*EDGES)], [POSE], CAMERA)
    pointmap = (CAMERA.rays() * rendering.depth[..., None]).astype(np.float32)
    return Frame(rendering.color, pointmap, (rendering.index + 1).astype(np.int32), CAMERA)


def score(frame, mesh, T_cam_obj, symmetries=NONE):
    truth = TruthSurface.of(TruthObject(1, "box", box(*EDGES), POSE, symmetries=symmetries), frame)
    shape = score_mesh(mesh.transformed(T_cam_obj), truth)
    return score_pose(mesh, T_cam_obj, truth, frame=frame, shape=shape)


def turned(degrees, axis=(0, 0, 1), shift=(0, 0, 0)):
    return SE3(so3_exp(np.radians(degrees) * np.array(axis)), np.array(shift, np.float64))


def test_the_truth_itself_is_perfect(frame):
    perfect = score(frame, box(*EDGES), POSE)
    for name in ("add_mm", "mssd_mm", "mspd_px", "icp_rot_deg"):
        assert getattr(perfect, name) < NOTHING_MM, name
    assert (perfect.vsd, perfect.bop_recall) == (0, 1)
    assert (perfect.add_below_tenth, perfect.add_s_both_below_tenth) == (1, 1)
    assert perfect.box_iou == pytest.approx(1, abs=1e-5)
    assert perfect.normal_chamfer < 1e-4
    assert perfect.normal_f1 == 1


def test_the_figures_do_not_ask_which_object_frame_a_result_chose(frame):
    T_obj_other = turned(90, shift=(0.5, 0, 0))
    mesh = box(*EDGES).transformed(T_obj_other)
    same = score(frame, mesh, POSE @ T_obj_other.inverse())
    assert same.mssd_mm < NOTHING_MM
    assert same.box_iou == pytest.approx(1, abs=1e-4)


def test_a_shift_is_found_as_it_is(frame):
    T_cam_obj = SE3(POSE.quat_wxyz, POSE.translation_xyz + [0.006, 0.0, 0.008])
    shifted = score(frame, box(*EDGES), T_cam_obj)
    assert shifted.add_mm == pytest.approx(10, abs=0.1)
    assert shifted.mssd_mm == pytest.approx(10, abs=0.1)
    assert shifted.icp_rot_deg < 0.1
    assert shifted.normal_f1 == 1
    assert shifted.box_iou < 0.8


def test_a_turn_is_found_as_it_is(frame):
    result = score(frame, box(*EDGES), POSE @ turned(12, (0.6, 0, 0.8)))
    assert result.icp_rot_deg == pytest.approx(12, abs=0.1)
    assert result.normal_f1 == pytest.approx(1, abs=0.01)
    assert 0 < result.vsd < 1


def test_a_symmetric_turn_is_no_error(frame):
    half = turned(180)
    assert score(frame, box(*EDGES), POSE @ half, discretised_symmetries([half])).mssd_mm < NOTHING_MM


def test_add_s_of_both_ways_is_the_chamfer_distance_in_diameters(frame):
    larger = box(*(1.2 * np.array(EDGES)))
    truth = TruthSurface.of(TruthObject(1, "box", box(*EDGES), POSE), frame)
    shape = score_mesh(larger.transformed(POSE), truth)
    result = score_pose(larger, POSE, truth, frame=frame, shape=shape)
    assert result.add_s_both == pytest.approx(shape.chamfer_mm / 1e3 / DIAMETER, rel=3e-3)
    assert result.box_iou == pytest.approx(1 / 1.2**3, rel=1e-4)
    assert result.normal_f1 == 1  # size is taken out


def test_a_result_elsewhere_has_no_recall_of_the_surface(frame):
    away = score(frame, box(*EDGES), SE3(POSE.quat_wxyz, np.array([0.5, 0.3, 1.5])))
    assert away.vsd == 1
    assert away.bop_recall == 0
    assert away.box_iou == 0


def test_normalised_figures_see_the_shape_and_nothing_else():
    ball = trimesh.creation.icosphere(4, 0.3)
    sphere = Mesh(ball.vertices, ball.faces, np.zeros((len(ball.vertices), 3)))
    other = score_normalised(sphere.transformed(turned(30, shift=(3, 2, 1))), sphere)
    assert other.f1 == 1
    cube = score_normalised(box(1, 1, 1), sphere)
    # Ball of radius 1 within the cube -1..1: from the cube's faces 0 at the middle, sqrt(3) - 1 at the corners.
    assert 0.1 < cube.chamfer < 0.3
    assert cube.f1 < 0.2


def test_every_figure_is_a_number(frame):
    figures = dataclasses.asdict(score(frame, box(0.08, 0.08, 0.1), POSE @ turned(20)))
    assert all(np.isfinite(value) for value in figures.values())
