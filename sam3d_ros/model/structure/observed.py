"""What is known of the space around an object before anything is predicted: a volume of labels, encoded once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..config import ConfigError, GeometryConfig, ObservedConfig
from ..layers import LayerNorm, cast_weights
from .decoder_blocks import ResidualBlock


class ObservedEncoder(nn.Module):
    """Labels of voxels to tokens on the grid of the shape latent: cells, then convolutions at two resolutions."""

    def __init__(self, config: ObservedConfig, geometry: GeometryConfig) -> None:
        """Raises ConfigError for a resolution that the latent's grid does not divide."""
        super().__init__()
        cell, remainder = divmod(config.resolution, 2 * geometry.grid)
        if remainder or cell == 0:
            raise ConfigError(f"observed volume of {config.resolution} voxels; take a multiple of {2 * geometry.grid}")
        self.states, width, stem = config.states, geometry.width, config.stem_width
        self.stem = nn.Conv3d(config.states, stem, cell, stride=cell)  # to twice the latent's grid
        self.local = nn.Sequential(*(ResidualBlock(stem) for _ in range(config.stem_depth)))
        self.down = nn.Conv3d(stem, width, 2, stride=2)
        self.blocks = nn.Sequential(*(ResidualBlock(width) for _ in range(config.depth)))
        self.norm = LayerNorm(width, eps=1e-6)

    @property
    def compute_dtype(self) -> torch.dtype:
        """What the blocks run in."""
        dtype: torch.dtype = self.blocks[0].conv1.weight.dtype
        return dtype

    def to_compute_dtype(self, dtype: torch.dtype) -> None:
        """Cast, in place, the convolutions of the blocks."""
        cast_weights(self.blocks, dtype, (nn.Conv3d,))

    def forward(self, labels: Tensor) -> Tensor:
        """Tokens [B, grid^3, width] float32 of labels [B, R, R, R], whole numbers below the number of states."""
        states = torch.arange(self.states, device=labels.device, dtype=labels.dtype)
        volume = (labels[:, None] == states[:, None, None, None]).to(self.stem.weight.dtype)
        coarse = self.down(self.local(self.stem(volume)))  # [B, width, grid, grid, grid]
        cells = self.blocks(coarse.to(self.compute_dtype))
        tokens: Tensor = self.norm(cells.flatten(2).transpose(1, 2).float())
        return tokens
