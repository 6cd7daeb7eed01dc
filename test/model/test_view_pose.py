"""Frames of objects in view-aligned cubes: what the training encodes comes back."""

from __future__ import annotations

import pytest
import torch
from scipy.spatial.transform import Rotation

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


@pytest.mark.parametrize("name", ["6drotation_normalized", "translation", "scale"])
def test_numbers_that_are_not_finite_are_said(name):
    latents, *_ = encoded()
    latents[name][2, 0, 1] = torch.inf
    with pytest.raises(LayoutError, match=f"not finite: {name}"):
        decode_view_poses(latents)
