"""Inputs in cubes aligned with the view."""

from __future__ import annotations

import numpy as np
import torch

from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.model.preprocess.view import camera_points, view_inputs


def test_points_project_to_the_pixels_that_they_came_from():
    camera = PinholeCamera(width=8, height=6, fx=10.0, fy=11.0, cx=3.5, cy=2.0)
    depth = torch.rand(1, 6, 8, generator=torch.Generator().manual_seed(0)) + 0.5
    points = camera_points(depth, torch.tensor([[camera.fx, camera.fy, camera.cx, camera.cy]]))
    uv = camera.project(points[0].flatten(1).T.double().numpy())
    expected = np.stack(np.meshgrid(np.arange(8), np.arange(6)), axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(uv, expected, atol=1e-4)
    torch.testing.assert_close(points[:, 2], depth)


def test_a_pixel_without_depth_has_no_point():
    points = camera_points(torch.zeros(1, 2, 2), torch.ones(1, 4))
    assert points.isnan().all()


def test_pictures_become_squares_whose_padding_is_known_to_be_empty():
    image, mask, points = torch.ones(1, 3, 4, 8), torch.ones(1, 1, 4, 8), torch.ones(1, 3, 4, 8)
    made = view_inputs(image, mask, points, size=8)
    assert made.image.shape == made.pointmap.shape == (1, 3, 8, 8)
    assert made.mask[0, 0].sum(dim=1).tolist() == [0, 0, 8, 8, 8, 8, 0, 0]
    assert made.pointmap[0, 0, :2].isnan().all()
    assert (made.pointmap[0, 0, 2:6] == 1).all()


def test_far_points_are_brought_near_and_unknown_ones_stay_unknown():
    points = torch.tensor([-9.0, 0.5, torch.nan, 9.0]).expand(1, 3, 4, 4)
    made = view_inputs(torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 4, 4), points, size=4)
    row = made.pointmap[0, 0, 0]
    assert row[[0, 1, 3]].tolist() == [-2.0, 0.5, 2.0]
    assert row[2].isnan()
