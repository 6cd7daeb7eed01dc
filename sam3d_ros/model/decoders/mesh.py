"""Decoder of structured latents to the cubes from which a surface is extracted."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from ..config import MeshDecoderConfig
from ..layers import cast_weights
from ..sparse import PointConvolution, SparseTensor, SubmanifoldConvolution, by_rows
from .subdivide import SubdivideBlock
from .trunk import LatentTrunk

# Numbers per cube: signed distance at 8 corners, their shifts (8 x 3), weights (21), colour and normal (8 x 6).
CUBE_CHANNELS = 8 + 24 + 21 + 48


class MeshDecoder(LatentTrunk):
    """Raw numbers for `surface`, on a grid of resolution * 2**len(widths) cubes an edge.

    Memory in half precision at 42 000 voxels, hence 2.7 million cubes: an estimated 2.8 GB beside the weights, scaled
    from the allocations at 32 776 voxels on a CPU; it peaks in the last convolution, and the result itself has 1.1 GB.
    The norms need the statistics of a whole object, so its voxels cannot be decoded in parts.
    """

    def __init__(self, config: MeshDecoderConfig) -> None:
        super().__init__(config.trunk)
        widths = (config.trunk.width, *config.widths)
        self.upsample = nn.ModuleList(SubdivideBlock(coarse, fine, config.groups) for coarse, fine in pairwise(widths))
        self.out_layer = nn.Linear(widths[-1], CUBE_CHANNELS)

    def to_compute_dtype(self, dtype: torch.dtype) -> None:
        """Cast, in place, the weights that the published model holds in half precision; the others stay float32."""
        super().to_compute_dtype(dtype)
        cast_weights(self.upsample, dtype, (SubmanifoldConvolution, PointConvolution))

    def forward(self, latents: SparseTensor) -> SparseTensor:
        """Raw channels, float32 [M, 101], of all cubes within the voxels of latents [N, channels]."""
        x = self.features(latents)
        for block in self.upsample:
            x = block(x)
        return x.replace(by_rows(lambda rows: self.out_layer(rows.float()), x.features))
