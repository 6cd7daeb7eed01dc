"""Meshes of cubes along the view: where they lie, and that they are judged there and not moved."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from view_model import painted, pot, pot_frame

from sam3d_ros.geometry import SE3, Sim3
from sam3d_ros.model.preprocess.cube import ViewCubes
from sam3d_ros.model.view_pose import ViewPoses
from sam3d_ros.pipeline.observation import PrepareConfig, observe
from sam3d_ros.pipeline.sam3d.view_placing import cube_pose, in_object_frame, judged
from sam3d_ros.pipeline.support import Support

TURN = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


@pytest.fixture(scope="module")
def view():
    frame, T_cam_obj = pot_frame()
    return frame, T_cam_obj


def judgement(view, *, off_mm: float):
    frame, T_cam_obj = view
    observation = observe(frame, 5, PrepareConfig())
    beside = SE3(T_cam_obj.quat_wxyz, T_cam_obj.translation_xyz + [0.0, 0.0, 1e-3 * off_mm])
    placement = judged(painted(pot(), (200, 60, 40)), beside, Sim3.from_se3(beside, 0.2), observation, frame)
    return beside, placement


@pytest.mark.parametrize("off_mm", [0.0, 4.0, 30.0])
def test_a_mesh_stays_where_it_is(view, off_mm):
    pose, placement = judgement(view, off_mm=off_mm)
    np.testing.assert_allclose(placement.registration.T_cam_obj.as_matrix(), pose.as_matrix(), atol=1e-9)
    assert placement.T_cam_canonical.scale == 0.2


def test_depth_says_how_well_it_lies(view):
    good, near, far = (judgement(view, off_mm=off)[1].registration for off in (0.0, 4.0, 30.0))
    assert good.quality.inlier_ratio > 0.97
    assert far.quality.inlier_ratio < 0.5
    assert good.quality.residual_rms < near.quality.residual_rms
    assert near.covariance[2, 2] > good.covariance[2, 2]
    assert np.linalg.eigvalsh(far.covariance).min() > 0


def test_a_surface_of_the_cube_comes_into_its_own_frame_in_metres():
    T_cam_cube = torch.eye(4)[None]
    T_cam_cube[0, :3, 3] = torch.tensor([0.1, 0.2, 0.7])
    placed = cube_pose(ViewCubes(T_cam_cube, torch.tensor([0.4]), torch.tensor([True])))
    assert placed.scale == pytest.approx(0.4)
    surface = painted(pot(), (1, 2, 3))  # as if its metres were edges
    poses = ViewPoses(torch.tensor(TURN, dtype=torch.float32)[None], torch.zeros(1, 3), torch.ones(1, 3))
    floating = Support(SE3.identity(), seen=False)
    mesh, T_cam_obj = in_object_frame(surface, placed, poses, floating)
    np.testing.assert_allclose(mesh.box_centre, 0, atol=1e-6)
    np.testing.assert_allclose(T_cam_obj.rotation, TURN, atol=1e-6)
    np.testing.assert_allclose(T_cam_obj.apply(mesh.vertices), placed.apply(surface.vertices), atol=1e-6)
    np.testing.assert_allclose(np.sort(mesh.extents), np.sort(0.4 * surface.extents), atol=1e-6)


def test_on_a_table_up_is_away_from_it_whatever_the_model_says():
    placed = Sim3.from_se3(SE3.from_rotation(TURN, np.array([0.1, 0.2, 0.7])), 0.4)
    stand = SE3.from_rotation(Rotation.from_euler("x", 120, degrees=True).as_matrix(), np.array([0.0, 0.3, 0.8]))
    surface = painted(pot(), (1, 2, 3))
    poses = ViewPoses(torch.tensor(TURN, dtype=torch.float32)[None], torch.zeros(1, 3), torch.ones(1, 3))
    mesh, T_cam_obj = in_object_frame(surface, placed, poses, Support(stand, seen=True))
    np.testing.assert_allclose(T_cam_obj.rotation[:, 2], stand.rotation[:, 2], atol=1e-6)
    np.testing.assert_allclose(mesh.box_centre, 0, atol=1e-6)
    np.testing.assert_allclose(T_cam_obj.apply(mesh.vertices), placed.apply(surface.vertices), atol=1e-6)
