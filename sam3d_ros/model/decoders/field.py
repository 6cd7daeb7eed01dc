"""Decoder of structured latents to what lies in each voxel: signed distance and colour of its cells."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..config import ConfigError, MeshDecoderConfig
from ..layers import LayerNorm
from ..sparse import SparseTensor
from .trunk import LatentTrunk

_GAIN = 4.0


class VoxelFields(NamedTuple):
    """Signed distance and colour within voxels, at the centres of the cells into which each is divided."""

    distance: Tensor  # [N, c, c, c] over x, y, z; negative inside, in units of the truncation of the training
    colours: Tensor  # [N, k, k, k, 3] red, green, blue in 0-1


def widen(layer: nn.Linear) -> None:
    """Let an input begin as strong as the positions that are added to it, which is worth a third of the first steps."""
    with torch.no_grad():
        layer.weight.mul_(_GAIN)


class FieldDecoder(LatentTrunk):
    """A linear layer on the trunk tells the cells of a voxel: a fraction of the published decoder's work.

    A regular grid of cells can be put together by `surface.dense_distance`; its surface has no free corners.
    """

    def __init__(self, config: MeshDecoderConfig) -> None:
        """Raises ConfigError for sizes without a field."""
        super().__init__(config.trunk)
        if config.field is None:
            raise ConfigError("a mesh decoder without `field` is the published one; build a MeshDecoder")
        self.field = config.field
        widen(self.input_layer)
        self.norm_out = LayerNorm(config.trunk.width, eps=1e-5, affine=False)
        self._sizes = (config.field.cells**3, 3 * config.field.colour_cells**3)
        self.out_layer = nn.Linear(config.trunk.width, sum(self._sizes))

    def forward(self, latents: SparseTensor) -> VoxelFields:
        """Fields, float32, of latents [N, channels]."""
        h = self.norm_out(self.features(latents).features.float())
        with torch.autocast(h.device.type, enabled=False):  # eight bits are few for a distance
            distance, colours = self.out_layer(h.float()).split(self._sizes, dim=1)
        c, k = self.field.cells, self.field.colour_cells
        return VoxelFields(distance.unflatten(1, (c, c, c)), colours.unflatten(1, (k, k, k, 3)).sigmoid())
