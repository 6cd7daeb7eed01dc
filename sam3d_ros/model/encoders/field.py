"""The encoder of structured latents that light decoders are trained with: what lies in each voxel to its latent."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from ..config import ConfigError, MeshDecoderConfig
from ..decoders.field import VoxelFields, widen
from ..decoders.trunk import LatentTrunk
from ..layers import LayerNorm
from ..sparse import SparseTensor, Voxels
from .slat import SlatPosterior
from .structure import LOG_VARIANCE

_FIRST_LOG_VARIANCE = -5.0


class FieldEncoder(nn.Module):
    """Signed distances and colours of a voxel's cells, embedded; then the voxels attend in windows.

    It reads distances and not only points, so that voxels without surface, which a first stage may name, have a latent
    of their own.
    """

    def __init__(self, config: MeshDecoderConfig, *, depth: int = 1) -> None:
        """For the decoder of this config, in `depth` blocks. Raises ConfigError for one without a field."""
        super().__init__()
        if config.field is None:
            raise ConfigError("a mesh decoder without `field` has no cells to encode; give one that has it")
        width, measures = config.trunk.width, config.field.cells**3 + 3 * config.field.colour_cells**3
        self.cell_layers = nn.Sequential(
            nn.Linear(measures, width), nn.GELU(approximate="tanh"), nn.Linear(width, width)
        )
        self.trunk = LatentTrunk(replace(config.trunk, channels=width, depth=depth))
        widen(self.trunk.input_layer)
        self.out_norm = LayerNorm(width, eps=1e-5, affine=False)
        self.out_layer = nn.Linear(width, 2 * config.trunk.channels)
        with torch.no_grad():  # a latent that begins with much noise says nothing for hundreds of steps
            self.out_layer.bias[config.trunk.channels :] = _FIRST_LOG_VARIANCE

    def forward(self, voxels: Voxels, fields: VoxelFields) -> SlatPosterior:
        """Latents on the voxels, of true fields at them."""
        measures = torch.cat([fields.distance.flatten(1), 2 * fields.colours.flatten(1) - 1], dim=1)
        h = self.trunk.features(SparseTensor(voxels, self.cell_layers(measures))).features.float()
        mean, log_variance = self.out_layer(self.out_norm(h)).float().chunk(2, dim=1)
        return SlatPosterior(SparseTensor(voxels, mean), log_variance.clamp(*LOG_VARIANCE))
