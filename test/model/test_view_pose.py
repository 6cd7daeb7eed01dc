"""Frames of objects in view-aligned cubes: what the training encodes comes back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from sam3d_ros.model.pose import ROTATION_MEAN, ROTATION_STD
from sam3d_ros.model.view_pose import LayoutError, decode_view_poses
from sam3d_ros.training.stages.layout import layout_latents


def encoded(count: int = 5) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor, torch.Tensor]:
    """Latents, T_cube_obj in metres, edges and extents."""
    T = torch.eye(4).repeat(count, 1, 1)
    T[:, :3, :3] = torch.tensor(Rotation.random(count, rng=0).as_matrix())
    T[:, :3, 3] = 0.1 * torch.randn(count, 3, generator=torch.Generator().manual_seed(0))
    edge, extents = torch.linspace(0.1, 0.5, count), torch.rand(count, 3, generator=torch.Generator().manual_seed(1))
    return {name: x[:, None] for name, x in layout_latents(T, edge, extents).items()}, T, edge, extents


def test_the_training_s_latents_are_decoded():
    latents, T, edge, extents = encoded()
    poses = decode_view_poses(latents)
    torch.testing.assert_close(poses.rotation, T[:, :3, :3])
    torch.testing.assert_close(poses.translation_xyz * edge[:, None], T[:, :3, 3])
    torch.testing.assert_close(poses.extents * edge[:, None], extents)


def test_axes_that_are_not_quite_orthogonal_make_a_rotation():
    latents, *_ = encoded()
    latents["6drotation_normalized"] += 0.2
    rotation = decode_view_poses(latents).rotation
    torch.testing.assert_close(rotation @ rotation.transpose(1, 2), torch.eye(3).expand(5, 3, 3))
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(5))


def test_an_open_yaw_leaves_an_upright_frame_that_faces_the_camera():
    upright = Rotation.from_euler("z", np.arange(0, 360, 10)[:, None], degrees=True).as_matrix()
    usual = np.array([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]])
    T = torch.eye(4).repeat(36, 1, 1)
    T[:, :3, :3] = torch.tensor(usual @ upright)
    latents = layout_latents(T, torch.ones(36), torch.full((36, 3), 0.5))
    mean = {name: x.mean(dim=0)[None, None] for name, x in latents.items()}
    torch.testing.assert_close(decode_view_poses(mean).rotation[0], torch.tensor(usual).float(), atol=1e-4, rtol=0)


def test_a_little_that_is_known_of_the_yaw_is_kept():
    turned = Rotation.from_euler("z", 50, degrees=True).as_matrix()
    T = torch.eye(4)[None].clone()
    T[0, :3, :3] = torch.tensor(np.array([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]]) @ turned)
    axes = torch.cat([T[0, 0, :3] * 0.4, T[0, 1, :3]])
    six = ((axes - torch.tensor(ROTATION_MEAN)) / torch.tensor(ROTATION_STD))[None, None]
    zeros = torch.zeros(1, 1, 3)
    rotation = decode_view_poses({"6drotation_normalized": six, "translation": zeros, "scale": zeros}).rotation[0]
    off = Rotation.from_matrix((rotation.T @ T[0, :3, :3]).numpy()).magnitude()
    assert np.degrees(off) < 10


@pytest.mark.parametrize("name", ["6drotation_normalized", "translation", "scale"])
def test_numbers_that_are_not_finite_are_said(name):
    latents, *_ = encoded()
    latents[name][2, 0, 1] = torch.inf
    with pytest.raises(LayoutError, match=f"not finite: {name}"):
        decode_view_poses(latents)
