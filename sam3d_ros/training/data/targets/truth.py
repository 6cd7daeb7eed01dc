"""The true shape of an object in a cube, read from its distance grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ....model.preprocess.cube import ViewCubes
from ..objects import StoredObject


@dataclass(frozen=True, slots=True, eq=False)
class DistanceVolumes:
    """Distance grids of a batch of objects; see `distance_grid.DistanceGrid`."""

    values: Tensor  # [B, N, N, N] int8 over x, y, z of the object frame
    low: Tensor  # [B, 3] first node, m
    high: Tensor  # [B, 3] last node, m
    truncation: Tensor  # [B] m, distance of the value 127

    @classmethod
    def of(cls, objects: Sequence[StoredObject], device: torch.device | str = "cpu") -> DistanceVolumes:
        grids = [thing.distances for thing in objects]
        return cls(
            torch.from_numpy(np.stack([grid.values for grid in grids])).to(device),
            torch.from_numpy(np.stack([grid.low for grid in grids])).to(device),
            torch.from_numpy(np.stack([grid.high for grid in grids])).to(device),
            torch.tensor([grid.truncation for grid in grids], device=device),
        )

    def at(self, p_obj: Tensor) -> Tensor:
        """Signed distance [B, X, Y, Z] in metres at points [B, X, Y, Z, 3] of the object frame, cut off."""
        half, middle = (_spread((self.high - self.low) / 2), _spread((self.high + self.low) / 2))
        where = (p_obj - middle) / half
        scaled = self.values[:, None].float() * _spread(self.truncation / 127)
        # grid_sample names the last axis of the volume first.
        found = torch.nn.functional.grid_sample(scaled, where.flip(-1), padding_mode="border", align_corners=True)[:, 0]
        x, y, z = where.abs_().sub_(1).mul_(half).unbind(dim=-1)
        beyond = torch.maximum(torch.maximum(x, y), z).clamp_(min=0)
        return torch.minimum(found + beyond, self.truncation[:, None, None, None])


def _spread(values: Tensor) -> Tensor:
    """[B] or [B, 3] with three axes of length one after the first."""
    return values[:, None, None, None] if values.ndim > 1 else values[:, None, None, None, None]


@dataclass(frozen=True, slots=True, eq=False)
class ObjectTruth:
    """Surface points of a batch of objects in cube coordinates."""

    points: Tensor  # [B, M, 3]
    normals: Tensor  # [B, M, 3] outward, unit
    colors: Tensor  # [B, M, 3] sRGB, 0-1


def signed_distance(cubes: ViewCubes, T_cam_obj: Tensor, volumes: DistanceVolumes, resolution: int) -> Tensor:
    """Signed distance [B, R, R, R] in units of the cube's edge at the voxel centres; occupied is where it is negative.

    Cut off at the truncation of the object (12 % of its largest extent).
    """
    T_obj_cube = torch.linalg.inv(T_cam_obj) @ cubes.T_cam_cube
    axis = (torch.arange(resolution, device=cubes.edge.device, dtype=cubes.edge.dtype) + 0.5) / resolution - 0.5
    steps = cubes.edge[:, None, None, None] * axis[None, :, None, None] * T_obj_cube[:, None, :3, :3]
    along_x, along_y, along_z = steps.unbind(dim=-1)  # [B, R, 3] each
    first = along_x + T_obj_cube[:, None, :3, 3]
    p_obj = first[:, :, None, None] + along_y[:, None, :, None] + along_z[:, None, None, :]
    return volumes.at(p_obj) / cubes.edge[:, None, None, None]


def surface_in_cube(
    cubes: ViewCubes, T_cam_obj: Tensor, objects: Sequence[StoredObject], count: int = 8192
) -> ObjectTruth:
    """The first `count` of the (shuffled) surface points of each object, also those that lie outside of the cube."""
    device = T_cam_obj.device
    points, normals, colors = (
        torch.from_numpy(np.stack([thing.surface[k][:count] for thing in objects])).to(device).float() for k in range(3)
    )
    rotation = cubes.T_cam_cube[:, :3, :3].transpose(1, 2) @ T_cam_obj[:, :3, :3]
    p_cam = points @ T_cam_obj[:, :3, :3].transpose(1, 2) + T_cam_obj[:, None, :3, 3]
    turned = torch.nn.functional.normalize(normals, dim=-1) @ rotation.transpose(1, 2)
    return ObjectTruth(cubes.to_cube(p_cam), turned, colors / 255)
