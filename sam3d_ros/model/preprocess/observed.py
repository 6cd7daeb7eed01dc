"""What depth and mask say about each voxel of a cube."""

from __future__ import annotations

from enum import IntEnum

import torch
from torch import Tensor

from .cube import ViewCubes

NEAR = 1.5  # voxels along the ray within which a voxel counts as the seen surface


class VoxelState(IntEnum):
    """What is known about a voxel."""

    NO_READING = 0  # in the mask, but the sensor gave no depth there
    FREE = 1  # seen through
    NEAR = 2  # at the seen surface
    BEHIND = 3  # hidden by the object's own surface
    OUTSIDE = 4  # beside the mask, and not seen through: hidden by another thing, without depth, or out of the picture


def observe(
    cubes: ViewCubes, depth: Tensor, mask: Tensor, intrinsics: Tensor, *, resolution: int = 64
) -> tuple[Tensor, Tensor]:
    """Distance along the ray [B, R, R, R] and states [B, R, R, R] uint8 of depth, mask [B, H, W], intrinsics [B, 4].

    The distance is that from the voxel to the measured surface in units of the cube's edge, positive in front, cut off
    at 4 voxels; +4 voxels where there is no reading.
    """
    pixel, z, stretch = _project(cubes, intrinsics, depth.shape[1:], resolution)
    inside = pixel >= 0
    index = pixel.clamp(min=0)
    read = depth.flatten(1).gather(1, index)
    masked = mask.flatten(1).gather(1, index) & inside
    known = (read > 0) & inside
    limit = 4.0 / resolution
    ray = ((read - z) * stretch / cubes.edge[:, None]).clamp(-limit, limit)
    ray = torch.where(known, ray, limit)
    near = NEAR / resolution
    state = torch.full_like(pixel, VoxelState.OUTSIDE, dtype=torch.uint8)
    state[masked & ~known] = VoxelState.NO_READING
    state[masked & known & (ray <= near)] = VoxelState.NEAR
    state[masked & known & (ray < -near)] = VoxelState.BEHIND
    state[known & (ray > near)] = VoxelState.FREE
    shape = (-1, resolution, resolution, resolution)
    return ray.view(shape), state.view(shape)


def _project(cubes: ViewCubes, intrinsics: Tensor, size: torch.Size, resolution: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pixel number (-1 outside), depth and length of the ray per unit of depth of each voxel centre, all [B, R^3]."""
    axis = (torch.arange(resolution, device=cubes.edge.device, dtype=cubes.edge.dtype) + 0.5) / resolution - 0.5
    steps = cubes.edge[:, None, None, None] * axis[None, :, None, None] * cubes.T_cam_cube[:, None, :3, :3]
    along = [steps[:, :, :, k] for k in range(3)]  # [B, R, 3] each
    p = along[0][:, :, None, None] + along[1][:, None, :, None] + along[2][:, None, None, :]
    x, y, z = (p[..., k].flatten(1) + cubes.T_cam_cube[:, k, 3, None] for k in range(3))
    fx, fy, cx, cy = (k[:, None] for k in intrinsics.unbind(dim=1))
    front = z.clamp(min=1e-3)
    a, b = x / front, y / front
    u, v = torch.round(a * fx + cx), torch.round(b * fy + cy)
    inside = (u >= 0) & (u < size[1]) & (v >= 0) & (v < size[0]) & (z > 1e-3)
    pixel = torch.where(inside, v * size[1] + u, -1.0).long()
    return pixel, z, torch.sqrt(1 + a * a + b * b)
