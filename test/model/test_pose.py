"""Pose decoding against Rodrigues, SciPy and points that are mapped one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from seeded import seeded
from torch import Tensor

from sam3d_ros.geometry.transforms import TransformError
from sam3d_ros.model.pose import (
    ROTATION_MEAN,
    ROTATION_STD,
    T_optical_canonical,
    decode_poses,
    quat_from_matrix,
    rotation_from_latent,
    undo_shrinking,
)
from sam3d_ros.model.structure import fit_voxels


def layout(batch: int = 1, salt: str = "") -> dict[str, Tensor]:
    widths = {"6drotation_normalized": 6, "translation": 3, "scale": 3, "translation_scale": 1}
    return {name: seeded(salt + name, batch, 1, width) for name, width in widths.items()}


SCALE, SHIFT = torch.full((1, 3), 0.4), torch.tensor([[0.1, -0.2, 1.5]])


def latent_of(matrix: np.ndarray) -> Tensor:
    """The rotation latent [1, 6] of which Q is this matrix."""
    columns = torch.tensor(np.concatenate([matrix[:, 0], matrix[:, 1]]), dtype=torch.float32)
    return ((columns - torch.tensor(ROTATION_MEAN)) / torch.tensor(ROTATION_STD))[None]


@pytest.mark.parametrize("seed", range(5))
def test_the_two_vectors_of_the_rotation_latent_become_columns(seed):
    matrix = Rotation.random(random_state=seed).as_matrix()
    np.testing.assert_allclose(rotation_from_latent(latent_of(matrix))[0].numpy(), matrix, atol=1e-6)


def test_vectors_of_any_length_and_angle_give_a_proper_rotation():
    matrices = rotation_from_latent(seeded("latents", 50, 6))
    torch.testing.assert_close(matrices @ matrices.mT, torch.eye(3).expand(50, 3, 3), rtol=0, atol=1e-5)
    torch.testing.assert_close(torch.linalg.det(matrices), torch.ones(50), rtol=0, atol=1e-5)


def test_quaternions_agree_with_scipy_and_have_a_real_part_that_is_not_negative():
    rotations = Rotation.random(200, random_state=0)
    quats = quat_from_matrix(torch.tensor(rotations.as_matrix(), dtype=torch.float32))
    expected = np.roll(rotations.as_quat(canonical=True), 1, axis=1)
    np.testing.assert_allclose(quats.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("axis", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, -1, 0], [1, 2, 3]])
@pytest.mark.parametrize("angle", [math.pi, math.pi - 1e-4, 1e-5])
def test_quaternions_of_half_turns_and_of_tiny_turns_are_well_conditioned(axis, angle):
    rotation = Rotation.from_rotvec(angle * np.array(axis) / np.linalg.norm(axis))
    quat = quat_from_matrix(torch.tensor(rotation.as_matrix(), dtype=torch.float32)[None])[0].numpy()
    expected = np.roll(rotation.as_quat(), 1)
    assert abs(abs(quat @ expected) - 1) < 1e-6
    assert np.abs(quat - math.copysign(1, quat @ expected) * expected).max() < 2e-6


def test_the_scale_is_the_mean_over_the_axes_after_exponential_and_scene_scale():
    """Trap 6."""
    poses = decode_poses(layout(), SCALE, SHIFT)
    expected = np.mean([0.4 * math.exp(x) for x in layout()["scale"].flatten().tolist()])
    assert poses.scale.shape == (1,)
    assert poses.scale.item() == pytest.approx(expected, rel=1e-6)


def test_translation_scale_has_no_say():
    """Trap 6."""
    other = {**layout(), "translation_scale": layout(salt="other ")["translation_scale"]}
    first, second = decode_poses(layout(), SCALE, SHIFT), decode_poses(other, SCALE, SHIFT)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_translation_leads_from_the_pointmaps_space_to_the_camera_and_rotation_stays():
    poses, plain = decode_poses(layout(), SCALE, SHIFT), decode_poses(layout(), torch.ones(1, 3), torch.zeros(1, 3))
    torch.testing.assert_close(poses.translation_xyz, 0.4 * layout()["translation"][:, 0] + SHIFT)
    assert torch.equal(poses.quat_wxyz, plain.quat_wxyz)


def test_a_shrunk_object_has_twice_the_scale():
    """Trap 7."""
    once, twice = decode_poses(layout(), SCALE, SHIFT), decode_poses(layout(), SCALE, SHIFT, factor=2)
    assert twice.scale.item() == 2 * once.scale.item()
    assert torch.equal(once.translation_xyz, twice.translation_xyz)


@pytest.mark.parametrize("index", [0, 1])
def test_the_transform_maps_canonical_points_as_row_vectors_and_then_negates_x_and_y(index):
    """Traps 4 and 5: z-up canonical points, p_camera = s p Q + t, PyTorch3D axes to the optical frame."""
    latents = layout(2)
    poses = decode_poses(latents, SCALE, SHIFT)
    q = rotation_from_latent(latents["6drotation_normalized"][:, 0])[index].double().numpy()
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (20, 3))
    p_pytorch3d = float(poses.scale[index]) * points @ q + poses.translation_xyz[index].double().numpy()
    p_optical = p_pytorch3d * [-1, -1, 1]
    np.testing.assert_allclose(T_optical_canonical(poses, index).apply(points), p_optical, atol=1e-6)


def test_the_rotation_of_the_transform_is_not_the_matrix_of_the_quaternion_but_its_transpose():
    """Trap 4."""
    turn = Rotation.from_euler("z", 30, degrees=True).as_matrix()
    latents = {**layout(), "6drotation_normalized": latent_of(turn)[None]}
    poses = decode_poses(latents, torch.ones(1, 3), torch.zeros(1, 3))
    expected = np.diag([-1, -1, 1]) @ turn.T
    np.testing.assert_allclose(T_optical_canonical(poses).rotation, expected, atol=1e-6)


def test_poses_of_a_batch_are_those_of_each_object():
    together = decode_poses(layout(3), SCALE, SHIFT)
    for index in range(3):
        one = {name: x[index : index + 1] for name, x in layout(3).items()}
        alone = decode_poses(one, SCALE, SHIFT)
        for a, b in zip(together, alone, strict=True):
            torch.testing.assert_close(a[index : index + 1], b)


def test_shrunk_voxels_lie_where_the_object_was_once_the_displacement_is_undone():
    resolution = 64
    coords = torch.cartesian_prod(torch.tensor([0]), *(torch.arange(low, low + 20) for low in (2, 30, 40))).int()
    fitted = fit_voxels(coords, 4000)
    whole = T_optical_canonical(decode_poses(layout(), SCALE, SHIFT))
    shrunk = T_optical_canonical(decode_poses(layout(), SCALE, SHIFT, factor=fitted.factor))

    def extent(transform, voxels):
        points = transform.apply((voxels[:, 1:].numpy() + 0.5) / resolution - 0.5)
        return points.mean(axis=0)

    undone = undo_shrinking(shrunk, fitted.centre, resolution=resolution)
    voxel = whole.scale / resolution
    assert np.linalg.norm(extent(shrunk, fitted.coords) - extent(whole, coords)) > 5 * voxel
    assert np.linalg.norm(extent(undone, fitted.coords) - extent(whole, coords)) < 1e-3 * voxel


def test_a_pose_that_is_not_finite_is_refused():
    latents = {**layout(), "translation": torch.full((1, 1, 3), torch.nan)}
    with pytest.raises(TransformError, match="finite"):
        T_optical_canonical(decode_poses(latents, SCALE, SHIFT))
