"""Fields of voxels put together on one grid: signed distance for a surface, colours for its vertices."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def dense_distance(
    places: Tensor, distance: Tensor, elsewhere: Tensor, resolution: int, *, share: float = 1.0
) -> Tensor:
    """Signed distance [R c, R c, R c] at the centres of the cells of a grid of R = `resolution` voxels an edge.

    `distance` [N, c, c, c] holds within the voxels at places [N, 3]. Beyond them only the side counts: 1 outside, -1
    where `elsewhere` [S, S, S] is negative, a distance in the same cube. Within them `distance` has a `share` and
    `elsewhere`, which then must be in the same unit, the rest. Raises ValueError where neither S nor R c
    divides the other.
    """
    cells, size = distance.shape[1], elsewhere.shape[0]
    fine = resolution * cells
    if fine % size and size % fine:
        raise ValueError(f"sides on a grid of {size} for {fine} cells; take a divisor or a multiple")
    if size > fine:
        elsewhere = functional.avg_pool3d(elsewhere[None, None], size // fine)[0, 0]
    rough = elsewhere.to(distance.dtype)
    for axis in range(3):
        rough = rough.repeat_interleave(max(1, fine // size), dim=axis)
    x, y, z = places.long().unbind(dim=1)
    blocks = (resolution, cells, resolution, cells, resolution, cells)
    if share < 1:
        distance = torch.lerp(rough.view(blocks)[x, :, y, :, z, :], distance, share)
    grid = torch.where(rough < 0, -1.0, 1.0).to(distance.dtype)
    grid.view(blocks)[x, :, y, :, z, :] = distance
    return grid


def colours_at(points: Tensor, places: Tensor, colours: Tensor, resolution: int) -> Tensor:
    """Colours [P, 3] at points [P, 3] of the cube [-0.5, 0.5]^3, linear between the centres of cells.

    `colours` [N, k, k, k, 3] hold within the voxels at places [N, 3] of a grid of `resolution` voxels an edge. Cells of
    no voxel do not count; a point whose eight neighbours are all such has the mean of all colours.
    """
    cells = colours.shape[1]
    size = resolution * cells
    grid = colours.new_zeros(resolution, cells, resolution, cells, resolution, cells, 4)
    x, y, z = places.long().unbind(dim=1)
    grid[x, :, y, :, z, :] = torch.cat([colours, torch.ones_like(colours[..., :1])], dim=-1)
    volume = grid.view(size, size, size, 4).permute(3, 0, 1, 2)[None]
    where = (2 * points.to(colours.dtype)).flip(1)[None, None, None]  # the last axis of a volume is named first
    found = functional.grid_sample(volume, where, padding_mode="border", align_corners=False)[0, :, 0, 0].T  # [P, 4]
    weight = found[:, 3:]
    mean = colours.flatten(0, 3).mean(dim=0)
    return torch.where(weight > 1e-6, found[:, :3] / weight.clamp(min=1e-6), mean)
