"""The encoder of structured latents: coloured surface points to a latent on each active voxel."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..config import TrunkConfig
from ..decoders.trunk import LatentTrunk
from ..layers import LayerNorm
from ..sparse import SparseTensor, Voxels
from .structure import LOG_VARIANCE

_MEASURES = 9  # of a point: place in its voxel, normal, colour


class SurfacePoints(NamedTuple):
    """Points of the surfaces of a batch of objects, in cube coordinates from -0.5 to 0.5."""

    object: Tensor  # [P] whole numbers
    place: Tensor  # [P, 3]
    normal: Tensor  # [P, 3] outward, unit
    colour: Tensor  # [P, 3] 0-1


class SlatPosterior(NamedTuple):
    """Normal distribution of a latent on voxels."""

    mean: SparseTensor  # [N, channels]
    log_variance: Tensor  # [N, channels]

    def sample(self, noise: Tensor) -> SparseTensor:
        """A draw, with standard normal noise [N, channels]."""
        return self.mean.replace(self.mean.features + (0.5 * self.log_variance).exp() * noise)

    def divergence(self) -> Tensor:
        """Mean Kullback-Leibler divergence from the standard normal distribution, per number of the latent.

        Every object counts alike, however many voxels it has.
        """
        terms = 0.5 * (self.mean.features.square() + self.log_variance.exp() - 1 - self.log_variance)
        per_object = [rows.mean() for rows in terms.split(self.mean.voxels.counts)]
        return torch.stack(per_object).mean()


class SlatEncoder(nn.Module):
    """Points are embedded one by one, pooled to their voxels (mean and largest), and the voxels attend in windows."""

    def __init__(self, config: TrunkConfig, channels: int, *, point_width: int = 64) -> None:
        """`config.channels` must be twice `point_width`, for the two poolings; `channels` are the latent's."""
        super().__init__()
        if config.channels != 2 * point_width:
            raise ValueError(f"a trunk of {config.channels} channels; take {2 * point_width}, twice the points' width")
        self.point_layers = nn.Sequential(
            nn.Linear(_MEASURES, point_width), nn.GELU(approximate="tanh"), nn.Linear(point_width, point_width)
        )
        self.trunk = LatentTrunk(config)
        self.out_norm = LayerNorm(config.width, eps=1e-5, affine=False)
        self.out_layer = nn.Linear(config.width, 2 * channels)

    def forward(self, voxels: Voxels, points: SurfacePoints) -> SlatPosterior:
        """Latents on the voxels. Points of no active voxel are left out; a voxel without points pools zeros."""
        resolution = self.trunk.config.resolution
        cell = ((points.place + 0.5) * resolution).floor()
        within = 2 * ((points.place + 0.5) * resolution - cell) - 1  # [P, 3] from -1 to 1
        rows, found = _rows(voxels, points.object, cell.int())
        measures = torch.cat([within, points.normal, 2 * points.colour - 1], dim=1)[found]
        pooled = _pooled(self.point_layers(measures).float(), rows[found], len(voxels))
        h = self.trunk.features(SparseTensor(voxels, pooled)).features.float()
        mean, log_variance = self.out_layer(self.out_norm(h)).float().chunk(2, dim=1)
        return SlatPosterior(SparseTensor(voxels, mean), log_variance.clamp(*LOG_VARIANCE))


def _rows(voxels: Voxels, objects: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Row [P] of the voxel in which each point lies, and whether there is one."""
    base = int(torch.maximum(voxels.coords[:, 1:].amax(), cell.amax())) + 2
    keys, order = _keys(voxels.coords[:, 0], voxels.coords[:, 1:], base).sort()
    wanted = _keys(objects, cell, base)
    place = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
    return order[place], keys[place] == wanted


def _keys(objects: Tensor, cell: Tensor, base: int) -> Tensor:
    x, y, z = (c.long().clamp(min=-1) + 1 for c in cell.unbind(dim=1))  # -1 is outside, and no voxel's
    return ((objects.long() * (base + 1) + x) * (base + 1) + y) * (base + 1) + z


def _pooled(features: Tensor, rows: Tensor, count: int) -> Tensor:
    """Mean and largest [count, 2 C] of features [P, C] by row; zeros where a row has none."""
    number = torch.bincount(rows, minlength=count).clamp(min=1)[:, None]
    mean = features.new_zeros(count, features.shape[1]).index_add(0, rows, features) / number
    index = rows[:, None].expand_as(features)
    least = torch.finfo(features.dtype).min
    largest = torch.full_like(mean, least).scatter_reduce(0, index, features, "amax")
    return torch.cat([mean, torch.where(largest == least, 0.0, largest)], dim=1)
