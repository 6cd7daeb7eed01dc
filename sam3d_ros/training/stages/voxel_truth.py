"""What is true in voxels: distances and colours of their cells, and the surface point that stands for each cell."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from ...model.config import FieldConfig
from ...model.decoders import VoxelFields
from ...model.sparse import Voxels
from .placed import CubeSurface, Truth

_FEW = 1024  # points among which the nearest one to a voxel without points is looked for


@dataclass(frozen=True, slots=True, eq=False)
class VoxelTruth:
    """Truth within voxels. Points are numbered through a batch, object after object."""

    fields: VoxelFields
    near: Tensor  # [N, k, k, k] bool: colour cells within half a truncation of the surface
    point: Tensor  # [N, k, k, k] a surface point in the cell, or else the nearest one to the voxel among a few
    owner: Tensor  # [B * M] voxel in which each surface point lies, -1 where it is not looked at


def voxel_truth(truth: Truth, resolution: int, config: FieldConfig) -> VoxelTruth:
    """Fields at the cells of the voxels of `truth`, on a grid of `resolution`.

    Cells of distance must be the voxels of the true distance or lie between their centres, of which they are then
    linear means. A colour is the mean over the points in a cell, or that of `point` where there are none.
    """
    distance = _distances(truth, resolution, config.cells).clamp(-1, 1)
    k = config.colour_cells
    point, owner, colours = _points(truth.voxels, truth.surface, resolution, k)
    step = config.cells // k
    blocks = distance.abs().unflatten(3, (k, step)).unflatten(2, (k, step)).unflatten(1, (k, step))
    near = blocks.amin(dim=(2, 4, 6)) < 0.5
    return VoxelTruth(VoxelFields(distance, colours), near, point, owner)


def cell_places(voxels: Voxels, cells: int) -> Tensor:
    """Places [N, cells^3, 3] of the cells of each voxel on the finer grid, z fastest."""
    corner = voxels.coords[:, None, 1:].long() * cells
    return corner + corner.new_tensor(list(product(range(cells), repeat=3)))


def _distances(truth: Truth, resolution: int, cells: int) -> Tensor:
    """Distances [N, c, c, c] at the cells' centres."""
    places, obj = cell_places(truth.voxels, cells), truth.voxels.coords[:, :1].long()
    if truth.distance.shape[-1] == resolution * cells:
        x, y, z = places.unbind(dim=-1)
        found = truth.distance[:, 0][obj, x, y, z]
    else:
        centres = 2 * (places.float() + 0.5) / (resolution * cells) - 1
        parts = zip(truth.distance, centres.split(truth.voxels.counts), strict=True)
        sampled = [
            torch.nn.functional.grid_sample(
                volume[None], where.flip(-1)[None, None], padding_mode="border", align_corners=False
            )[0, 0, 0]
            for volume, where in parts
        ]
        found = torch.cat(sampled)
    return found.unflatten(1, (cells,) * 3)


def _points(voxels: Voxels, surface: CubeSurface, resolution: int, cells: int) -> tuple[Tensor, Tensor, Tensor]:
    """`point`, `owner` and colours [N, k, k, k, 3] of voxels."""
    count, each = len(voxels), cells**3
    rows = _rows(voxels, surface.points, resolution)  # [B * M]
    places = ((surface.points.flatten(0, 1) + 0.5) * resolution * cells).floor().long() % cells
    slot = rows * each + (places[:, 0] * cells + places[:, 1]) * cells + places[:, 2]
    inside = (rows >= 0).nonzero()[:, 0]
    slot, numbers = slot[inside], inside
    point = torch.full((count * each,), -1, dtype=torch.long, device=rows.device)
    point = point.scatter_reduce(0, slot, numbers, "amax").view(count, each)
    colour = surface.colours.flatten(0, 1)
    total = colour.new_zeros(count * each, 4)
    total.index_add_(0, slot, torch.cat([colour[numbers], torch.ones_like(colour[numbers][:, :1])], dim=1))
    total = total.view(count, each, 4)
    stand_in = point.amax(dim=1)
    lonely = (stand_in < 0).nonzero()[:, 0]
    stand_in[lonely] = _nearest(voxels, lonely, surface, resolution)
    point = torch.where(point >= 0, point, stand_in[:, None])
    mean = torch.where(total[..., 3:] > 0, total[..., :3] / total[..., 3:].clamp(min=1), colour[point])
    shape = (cells,) * 3
    return point.unflatten(1, shape), rows, mean.unflatten(1, shape)


def _rows(voxels: Voxels, points: Tensor, resolution: int) -> Tensor:
    """Voxel [B * M] in which each point [B, M, 3] lies, -1 where it is none of these."""
    grid = torch.full((len(points), resolution, resolution, resolution), -1, dtype=torch.long, device=points.device)
    grid[voxels.coords.long().unbind(dim=1)] = torch.arange(len(voxels), device=points.device)
    cell = ((points + 0.5) * resolution).floor().long()
    inside = ((cell >= 0) & (cell < resolution)).all(dim=-1)
    obj = torch.arange(len(points), device=points.device)[:, None].expand_as(inside)
    x, y, z = cell.clamp(0, resolution - 1).unbind(dim=-1)
    found = grid[obj, x, y, z]
    return torch.where(inside, found, -1).flatten()


def _nearest(voxels: Voxels, chosen: Tensor, surface: CubeSurface, resolution: int) -> Tensor:
    """Numbers of the points nearest to chosen voxels, among the first few of their objects."""
    centres = (voxels.coords[chosen, 1:].float() + 0.5) / resolution - 0.5
    owners = voxels.coords[chosen, 0].long()
    numbers = torch.empty_like(owners)
    for number, points in enumerate(surface.points):
        own = owners == number
        numbers[own] = torch.cdist(centres[own], points[:_FEW]).argmin(dim=1) + number * len(points)
    return numbers
