"""The structure decoder: occupancy of a fine grid from the coarse shape latent."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..config import StructureDecoderConfig
from ..layers import cast_weights
from ..layers.convolution import VolumeConvolution
from .decoder_blocks import ChannelNorm, ResidualBlock, Upsample, pixel_shuffle_3d


class StructureFields(NamedTuple):
    """What the decoder says of each voxel."""

    logits: Tensor  # [B, 1, R, R, R]; above 0 a voxel is occupied
    distance: Tensor | None  # [B, 1, R, R, R] signed, negative inside, in units of its truncation; if it was learnt


class StructureDecoder(nn.Module):
    """Residual convolutions at each resolution, doubled len(widths) - 1 times, and once more by a shuffled output."""

    def __init__(self, config: StructureDecoderConfig) -> None:
        super().__init__()
        self.channels = config.channels
        first, last = config.widths[0], config.widths[-1]
        self.input_layer = VolumeConvolution(config.channels, first, 3, padding=1)
        self.middle_block = nn.Sequential(*(ResidualBlock(first) for _ in range(config.middle_blocks)))
        self.blocks = nn.Sequential(*_resolutions(config))
        self.shuffled = config.shuffled_output
        outputs = (2 if config.signed_distance else 1) * (8 if config.shuffled_output else 1)
        self.out_layer = nn.Sequential(ChannelNorm(last), nn.SiLU(), VolumeConvolution(last, outputs, 3, padding=1))

    def to_compute_dtype(self, dtype: torch.dtype) -> None:
        """Cast, in place, the convolutions; norms stay float32."""
        cast_weights(self, dtype, (nn.Conv3d,))

    def forward(self, latent: Tensor) -> Tensor:
        """Logits [B, 1, R, R, R] float32 of a shape latent [B, grid^3, channels]; above 0 a voxel is occupied.

        Raises ValueError where the tokens fill no cube or have other channels.
        """
        return self.fields(latent).logits

    def fields(self, latent: Tensor) -> StructureFields:
        """All that the decoder predicts of a shape latent [B, grid^3, channels], float32; errors as `forward`."""
        grid = _cube_root(latent.shape[1])
        if latent.shape[2] != self.channels:
            raise ValueError(f"shape latent of {latent.shape[2]} channels; this decoder takes {self.channels}")
        cube = latent.transpose(1, 2).unflatten(2, (grid, grid, grid))  # [B, channels, grid, grid, grid]
        h = self.middle_block(self.input_layer(cube.to(self.input_layer.weight.dtype)))
        output: Tensor = self.out_layer(self.blocks(h)).float()
        output = pixel_shuffle_3d(output) if self.shuffled else output
        return StructureFields(output[:, :1], output[:, 1:] if output.shape[1] > 1 else None)


def _resolutions(config: StructureDecoderConfig) -> list[nn.Module]:
    blocks: list[nn.Module] = []
    for index, width in enumerate(config.widths):
        if index > 0:
            blocks.append(Upsample(config.widths[index - 1], width))
        blocks.extend(ResidualBlock(width) for _ in range(config.res_blocks))
    return blocks


def _cube_root(tokens: int) -> int:
    grid: int = round(tokens ** (1 / 3))
    if grid**3 != tokens:
        raise ValueError(f"shape latent of {tokens} tokens, which fill no cube; it has grid^3 of them")
    return grid
