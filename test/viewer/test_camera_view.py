"""The cloud and the picture of a frame: few points, in their places, with their colours and masks."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.geometry import SE3, PinholeCamera
from sam3d_ros.geometry.pointmap import depth_to_pointmap
from sam3d_ros.pipeline import Frame
from sam3d_ros.viewer.camera_view import PICTURE_WIDTH, camera_view, scene_cloud

CAMERA = PinholeCamera(640, 480, 600.0, 600.0, 319.5, 239.5)


@pytest.fixture(scope="module")
def frame():
    """A slope from 1 m to 2 m, red on the left, blue on the right, label 4 in the upper half, no depth at the edge."""
    depth = np.tile(np.linspace(1.0, 2.0, 480)[:, None], (1, 640)).astype(np.float32)
    depth[:, :20] = np.nan
    color = np.zeros((480, 640, 3), np.uint8)
    color[:, :320, 0], color[:, 320:, 2] = 200, 200
    labels = np.zeros((480, 640), np.int32)
    labels[:240] = 4
    return Frame(color, depth_to_pointmap(depth, CAMERA), labels, CAMERA)


@pytest.mark.parametrize("budget", [1, 500, 60_000, 10**6])
def test_the_budget_holds_and_is_made_use_of(frame, budget):
    cloud = scene_cloud(frame, point_budget=budget)
    measured = int(np.isfinite(frame.pointmap[..., 2]).sum())
    assert len(cloud.offsets) <= budget
    assert len(cloud.offsets) >= min(measured, budget) * 0.4


def test_points_lie_where_they_were_measured_with_their_colours_and_labels(frame):
    cloud = scene_cloud(frame, point_budget=5000)
    points = cloud.centre + cloud.offsets.astype(np.float64)
    u, v = np.rint(CAMERA.project(points)).astype(int).T
    assert np.abs(points - frame.pointmap[v, u]).max() < 1e-3
    assert (cloud.colors == frame.color[v, u]).all()
    assert (cloud.labels == frame.labels[v, u]).all()


def test_without_depth_there_is_no_cloud_but_a_picture(frame):
    blind = Frame(frame.color, np.full_like(frame.pointmap, np.nan), frame.labels, CAMERA)
    view = camera_view(blind, SE3.identity())
    assert view.cloud is None
    assert view.picture.shape == (240, PICTURE_WIDTH, 3)
    assert view.picture[100, 10].tolist() == [200, 0, 0]
