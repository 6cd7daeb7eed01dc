"""The object's pose from the layout latents of stage 1.

SAM 3D Objects states poses for row vectors in PyTorch3D camera axes (x left, y up, z forward), of canonical object
points with z up: p_camera = scale * p @ Q + translation. `T_optical_canonical` brings them to the ROS optical frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..geometry.conventions import Sam3dPose, optical_pose_from_sam3d
from ..geometry.transforms import SE3, Sim3
from .structure import ROTATION

# The rotation latent is standardised by these statistics of the training set.
ROTATION_MEAN = (
    -0.06366084883674913, 0.008438224692279752, 0.00017084786438302483,
    0.0007126610473540038, -0.0030916726538816417, 0.5166093753457688,
)  # fmt: skip
ROTATION_STD = (
    0.6656971967514863, 0.6787012271867754, 0.30345010594844524,
    0.4394504420678794, 0.39817973931717104, 0.6176286868761914,
)  # fmt: skip


class DecodedPoses(NamedTuple):
    """Poses of B objects: p_camera = scale * p_canonical @ Q + translation, Q the matrix of the quaternion."""

    quat_wxyz: Tensor  # [B, 4] w >= 0; serves row vectors, so its conjugate serves column vectors
    translation_xyz: Tensor  # [B, 3] PyTorch3D camera axes, unit of the pointmap (metres)
    scale: Tensor  # [B] edge of the canonical cube, same unit


def decode_poses(
    layout: Mapping[str, Tensor], pointmap_scale: Tensor, pointmap_shift: Tensor, *, factor: int = 1
) -> DecodedPoses:
    """Poses of layout latents [B, 1, channels], in float32.

    `pointmap_scale` and `pointmap_shift` [B or 1, 3] lead from SSI space to the camera. `factor` is 2 where the voxels
    were shrunk (`FittedVoxels.factor`). The scale is the mean of the three axes; `translation_scale` has no say.
    """
    rotation, translation, log_scale = (layout[name][:, 0].float() for name in (ROTATION, "translation", "scale"))
    return DecodedPoses(
        quat_wxyz=quat_from_matrix(rotation_from_latent(rotation)),
        translation_xyz=pointmap_scale * translation + pointmap_shift,
        scale=(pointmap_scale * log_scale.exp()).mean(dim=-1) * factor,
    )


def rotation_from_latent(latent: Tensor) -> Tensor:
    """Matrix Q [B, 3, 3] of a standardised 6D rotation [B, 6] (Zhou et al. 2019): its two vectors become columns."""
    raw = latent * latent.new_tensor(ROTATION_STD) + latent.new_tensor(ROTATION_MEAN)
    first, second = raw.split(3, dim=-1)
    b1 = functional.normalize(first, dim=-1)
    b2 = functional.normalize(second - (b1 * second).sum(dim=-1, keepdim=True) * b1, dim=-1)
    return torch.stack([b1, b2, torch.linalg.cross(b1, b2)], dim=-1)


def quat_from_matrix(matrix: Tensor) -> Tensor:
    """Unit quaternion [B, 4], w x y z with w >= 0, of rotation matrices [B, 3, 3].

    Each of the four components gives a candidate, the quaternion times four times that component. The one of the
    largest component is taken, so that no angle is ill-conditioned.
    """
    (m00, m01, m02), (m10, m11, m12), (m20, m21, m22) = (row.unbind(-1) for row in matrix.unbind(-2))
    candidates = torch.stack(
        [
            torch.stack([1 + m00 + m11 + m22, m21 - m12, m02 - m20, m10 - m01], dim=-1),
            torch.stack([m21 - m12, 1 + m00 - m11 - m22, m10 + m01, m02 + m20], dim=-1),
            torch.stack([m02 - m20, m10 + m01, 1 - m00 + m11 - m22, m12 + m21], dim=-1),
            torch.stack([m10 - m01, m20 + m02, m21 + m12, 1 - m00 - m11 + m22], dim=-1),
        ],
        dim=-2,
    )  # [B, candidate, wxyz]
    best = candidates.diagonal(dim1=-2, dim2=-1).argmax(dim=-1)  # [B]
    quat = functional.normalize(candidates[torch.arange(len(best), device=best.device), best], dim=-1)
    return torch.where(quat[:, :1] < 0, -quat, quat)


def T_optical_canonical(poses: DecodedPoses, index: int = 0) -> Sim3:
    """One of the poses as the transform from the canonical cube [-0.5, 0.5]^3 (z up) to the ROS optical frame.

    Raises TransformError where the numbers are not finite.
    """
    quat, translation = (x[index].cpu().numpy().astype(np.float64) for x in poses[:2])
    return optical_pose_from_sam3d(Sam3dPose(quat, translation, float(poses.scale[index])))


def undo_shrinking(T_optical_shrunk: Sim3, centre: Tensor, *, resolution: int) -> Sim3:
    """The pose under which shrunk voxels lie where the object was, given that of their doubled scale.

    Voxels shrink about the centre of their box (`FittedVoxels.centre` [3], voxels), but the doubled scale grows them
    about that of the cube: the published pose is displaced by half its scale times the box centre.
    """
    centre_canonical = (centre.cpu().numpy().astype(np.float64) + 0.5) / resolution - 0.5
    return T_optical_shrunk @ Sim3.from_se3(SE3.from_rotation(np.eye(3), -centre_canonical / 2))
