"""What is known of the space around an object before anything is predicted: a volume of labels, encoded once."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ..config import ConfigError, GeometryConfig, ObservedConfig
from ..embedders.vit_block import VitBlock
from ..layers import LayerNorm
from .decoder_blocks import ResidualBlock
from .latents import grid_positions


class ObservedEncoder(nn.Module):
    """Labels of voxels to tokens on the grid of the shape latent: cells, convolutions, transformer blocks."""

    positions: Tensor  # [grid^3, width]

    def __init__(self, config: ObservedConfig, geometry: GeometryConfig) -> None:
        """Raises ConfigError for a resolution that the latent's grid does not divide."""
        super().__init__()
        cell, remainder = divmod(config.resolution, 2 * geometry.grid)
        if remainder or cell == 0:
            raise ConfigError(f"observed volume of {config.resolution} voxels; take a multiple of {2 * geometry.grid}")
        self.states, width, stem = config.states, geometry.width, config.stem_width
        self.stem = nn.Conv3d(config.states, stem, cell, stride=cell)  # to twice the latent's grid
        self.local = ResidualBlock(stem)
        self.down = nn.Conv3d(stem, width, 3, stride=2, padding=1)
        self.register_buffer("positions", grid_positions(geometry.grid, width))
        self.blocks = nn.ModuleList(VitBlock(width, geometry.heads, config.mlp_ratio) for _ in range(config.depth))
        self.norm = LayerNorm(width, eps=1e-6)

    def forward(self, labels: Tensor) -> Tensor:
        """Tokens [B, grid^3, width] float32 of labels [B, R, R, R], whole numbers below the number of states."""
        volume = functional.one_hot(labels.long(), self.states).movedim(-1, 1).to(self.stem.weight.dtype)
        cells = self.down(self.local(self.stem(volume)))  # [B, width, grid, grid, grid]
        x = cells.flatten(2).transpose(1, 2).float() + self.positions
        for block in self.blocks:
            x = block(x)
        tokens: Tensor = self.norm(x)
        return tokens
