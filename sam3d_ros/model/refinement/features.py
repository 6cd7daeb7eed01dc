"""What is told of each voxel beside its latent: pixels on which it falls, depth measured there, what stage 1 says."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from ..preprocess.cube import ViewCubes
from ..preprocess.object_view import Picture
from ..sparse import Voxels
from ..structure import StructureFields

_CELLS = 2  # along each edge of a voxel: the cells of stage 1's grid
_REACH = 4.0  # cells along the ray, beyond which a measured depth does not say more
_NUMBERS = 8  # of a cell: colour (3), in the mask, depth known, distance along the ray, and stage 1's two fields
VOXEL_FEATURES = _CELLS**3 * _NUMBERS


def voxel_features(voxels: Voxels, fields: StructureFields, cubes: ViewCubes, crop: Picture) -> Tensor:
    """Features [N, VOXEL_FEATURES] of voxels on a grid of half the resolution of stage 1's fields [B, 1, R, R, R].

    For each of the eight cells of a voxel: the colour of its pixel, whether that is in the mask and has depth, the
    distance along the ray to the measured surface (positive in front, from -1 to 1 over 4 cells; 1 without depth),
    stage 1's signed distance (cut off at 2) and its occupancy from -1 to 1. Raises ValueError for fields without one.
    """
    if fields.distance is None:
        raise ValueError("stage 1 says no signed distance; voxel features need a structure decoder that does")
    cells, resolution = _cells(voxels), fields.logits.shape[-1]
    obj = voxels.coords[:, :1].long()  # [N, 1]
    pixel, ray = looked_up((cells.float() + 0.5) / resolution - 0.5, obj, cubes, crop)
    inside = pixel >= 0
    index = pixel.clamp(min=0)
    colour = crop.color.flatten(2).movedim(1, 2)[obj, index]  # [N, 8, 3]
    masked = crop.mask.flatten(1)[obj, index] & inside
    x, y, z = cells.unbind(dim=-1)
    said = [fields.distance[:, 0][obj, x, y, z].clamp(-2, 2), fields.logits[:, 0][obj, x, y, z].sigmoid() * 2 - 1]
    known = torch.isfinite(ray)
    reach = torch.where(known, (ray * (resolution / _REACH)).clamp(-1, 1), 1.0)
    seen = torch.where(inside[..., None], 2 * colour - 1, 0.0)
    numbers = torch.stack([masked.float(), known.float(), reach, *said], dim=-1)
    return torch.cat([seen, numbers], dim=-1).flatten(1)


def looked_up(p_cube: Tensor, obj: Tensor, cubes: ViewCubes, crop: Picture) -> tuple[Tensor, Tensor]:
    """Pixel number [N, K] of points [N, K, 3] in the cubes of objects [N, 1], -1 outside the picture; and the way left.

    The way [N, K] is that along the ray from a point to the measured surface, positive in front of it, in edges of the
    cube; NaN where no depth was measured.
    """
    owner = obj[:, 0]
    T, edge = cubes.T_cam_cube[owner], cubes.edge[owner][:, None]
    p_cam = edge[..., None] * p_cube @ T[:, :3, :3].transpose(1, 2) + T[:, None, :3, 3]
    fx, fy, cx, cy = (k[:, None] for k in crop.intrinsics[owner].unbind(dim=1))
    z = p_cam[..., 2]
    a, b = (p_cam[..., k] / z.clamp(min=1e-3) for k in range(2))
    u, v = torch.round(a * fx + cx), torch.round(b * fy + cy)
    height, width = crop.depth.shape[1:]
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height) & (z > 1e-3)
    pixel = torch.where(inside, v * width + u, -1.0).long()
    read = crop.depth.flatten(1)[obj, pixel.clamp(min=0)]
    ray = (read - z) * torch.sqrt(1 + a * a + b * b) / edge
    return pixel, torch.where(inside & (read > 0), ray, torch.nan)


def _cells(voxels: Voxels) -> Tensor:
    """Places [N, 8, 3] of the cells of each voxel."""
    corner = voxels.coords[:, None, 1:].long() * _CELLS
    return corner + corner.new_tensor(list(product(range(_CELLS), repeat=3)))
