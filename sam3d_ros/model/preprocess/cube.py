"""The view-aligned cube of an object, from its mask and depth alone.

Cube coordinates run from -0.5 to 0.5 along x (right), y (down) and z (away from the camera). Volumes are [B, x, y, z]
and hold values at voxel centres (i + 0.5) / R - 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SAMPLES = 80  # pixels along each side of the image that are looked at
LEAST_POINTS = 8  # depth readings in the mask without which a cube is only a guess
LATERAL = 1.45  # edge in widths of what is seen
ALONG = 1.15  # edge in lengths of what is seen along the ray, besides HIDDEN widths
HIDDEN = 0.45
FRONT = 0.06  # of the edge, free in front of the nearest points
GUESS = 0.7  # m, distance where no depth was read


@dataclass(frozen=True, slots=True, eq=False)
class ViewCubes:
    """Where cubes lie: p_cam = T_cam_cube (edge * p_cube)."""

    T_cam_cube: Tensor  # [B, 4, 4] rigid, metres; the origin is the centre of the cube
    edge: Tensor  # [B] m
    valid: Tensor  # [B] bool, whether there was depth to place it by

    def to_cam(self, p_cube: Tensor) -> Tensor:
        """Cube coordinates [B, N, 3] to the optical frame, metres."""
        return _moved(self.T_cam_cube, p_cube * self.edge[:, None, None])

    def to_cube(self, p_cam: Tensor) -> Tensor:
        """Points [B, N, 3] of the optical frame in cube coordinates."""
        back = p_cam - self.T_cam_cube[:, None, :3, 3]
        return back @ self.T_cam_cube[:, :3, :3] / self.edge[:, None, None]


def view_cubes(depth: Tensor, mask: Tensor, intrinsics: Tensor) -> ViewCubes:
    """Cubes of depth [B, H, W] (metres, 0 = none), mask [B, H, W] bool and intrinsics fx, fy, cx, cy [B, 4].

    1. z runs through the middle of the mask (between its 1 % and 99 % columns and rows); the image's up stays up.
    2. Points of the mask further than max(0.75 widths, 4 median deviations) from the median depth are left out.
    3. Width: the 2 % to 98 % range of the points, and the mask's at the median depth, the larger one.
    4. Edge: max(LATERAL * width, ALONG * length + HIDDEN * width), length being the 3 % to 97 % range along z.
    5. The front of the cube is FRONT * edge before the 3 % nearest points; sideways the cube is centred on the width.
    """
    step = max(1, depth.shape[-1] // SAMPLES)
    depth, mask = depth[:, ::step, ::step].flatten(1), mask[:, ::step, ::step]
    rays = _rays(intrinsics, mask.shape[1:], step)  # [B, N, 3]
    mask = mask.flatten(1)
    rotation = _looking_along(_middle(rays, mask))  # [B, 3, 3]
    seen = mask & (depth > 0)
    valid = seen.sum(dim=1) >= LEAST_POINTS
    middle = torch.where(valid, _quantile(depth, seen, 0.5), torch.full_like(depth[:, 0], GUESS))
    outline = (rays * middle[:, None, None]) @ rotation
    width = _range(outline[..., :2], mask, 0.01)
    reach = (width[1] - width[0]).amax(dim=1)
    off = (depth - middle[:, None]).abs()
    kept = seen & (off <= torch.maximum(0.75 * reach, 4 * _quantile(off, seen, 0.5))[:, None])
    points = (rays * depth[..., None]) @ rotation
    near, far = _quantile(points[..., 2], kept, 0.03), _quantile(points[..., 2], kept, 0.97)
    near, far = (torch.where(valid, z, GUESS) for z in (near, far))
    low, high = _range(points[..., :2], kept, 0.02)
    low = torch.where(valid[:, None], torch.minimum(low, width[0]), width[0])
    high = torch.where(valid[:, None], torch.maximum(high, width[1]), width[1])
    across = (high - low).amax(dim=1)
    edge = torch.maximum(LATERAL * across, ALONG * (far - near) + HIDDEN * across)
    centre = torch.cat([(low + high) / 2, (near + (0.5 - FRONT) * edge)[:, None]], dim=1)
    return ViewCubes(_rigid(rotation, (rotation @ centre[..., None])[..., 0]), edge, valid)


def _rays(intrinsics: Tensor, size: torch.Size, step: int) -> Tensor:
    """Directions (x/z, y/z, 1) [B, H * W, 3] of every `step`-th pixel."""
    fx, fy, cx, cy = (k[:, None, None] for k in intrinsics.unbind(dim=1))
    v = torch.arange(size[0], device=intrinsics.device, dtype=intrinsics.dtype)[None, :, None] * step
    u = torch.arange(size[1], device=intrinsics.device, dtype=intrinsics.dtype)[None, None, :] * step
    x, y = torch.broadcast_tensors((u - cx) / fx, (v - cy) / fy)
    return torch.stack([x, y, torch.ones_like(x)], dim=-1).flatten(1, 2)


def _middle(rays: Tensor, mask: Tensor) -> Tensor:
    """Direction [B, 3] through the middle of the mask."""
    low, high = _range(rays[..., :2], mask, 0.01)
    return torch.cat([(low + high) / 2, torch.ones_like(low[:, :1])], dim=1)


def _looking_along(direction: Tensor) -> Tensor:
    """Rotations [B, 3, 3] with columns right, down and along the direction [B, 3]."""
    z = torch.nn.functional.normalize(direction, dim=1)
    down = torch.tensor([0.0, 1.0, 0.0], device=z.device, dtype=z.dtype).expand_as(z)
    x = torch.nn.functional.normalize(torch.linalg.cross(down, z), dim=1)
    return torch.stack([x, torch.linalg.cross(z, x), z], dim=2)


def _range(values: Tensor, where: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Quantiles `share` and 1 - `share` [B, 2] of two columns [B, N, 2]."""
    low = [_quantile(column, where, share) for column in values.unbind(dim=-1)]
    high = [_quantile(column, where, 1 - share) for column in values.unbind(dim=-1)]
    return torch.stack(low, dim=1), torch.stack(high, dim=1)


def _quantile(values: Tensor, where: Tensor, share: float) -> Tensor:
    """Quantile [B] of the values [B, N] at chosen places; 0 where none is chosen."""
    ordered = torch.where(where, values, torch.inf).sort(dim=1).values
    number = where.sum(dim=1)
    index = (share * (number - 1).clamp(min=0)).round().long()
    return torch.where(number > 0, ordered.gather(1, index[:, None])[:, 0], 0.0)


def _rigid(rotation: Tensor, translation: Tensor) -> Tensor:
    T = torch.eye(4, device=rotation.device, dtype=rotation.dtype).repeat(len(rotation), 1, 1)
    T[:, :3, :3], T[:, :3, 3] = rotation, translation
    return T


def _moved(T: Tensor, points: Tensor) -> Tensor:
    return points @ T[:, :3, :3].transpose(1, 2) + T[:, None, :3, 3]
