"""What stage 1 samples: the coarse shape and the layout, and how each becomes tokens and comes back."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..config import GeometryConfig
from ..layers import LayerNorm, sinusoidal_positions

SHAPE = "shape"  # a grid of channels, cell (x, y, z) at (x * grid + y) * grid + z
ROTATION = "6drotation_normalized"  # two columns of the rotation, standardised
LAYOUT = ROTATION  # the stream of all layout latents bears the name of the first
# Layout latents in the order of their tokens, with their channels; translation and log scale are in SSI space.
LAYOUT_CHANNELS = {ROTATION: 6, "translation": 3, "scale": 3, "translation_scale": 1}


def latent_sizes(config: GeometryConfig) -> dict[str, tuple[int, int]]:
    """Tokens and channels of each latent."""
    return {SHAPE: (config.grid**3, config.channels), **{name: (1, width) for name, width in LAYOUT_CHANNELS.items()}}


def grid_positions(grid: int, width: int) -> Tensor:
    """Position code [grid^3, width] of the shape's cells."""
    axis = torch.arange(grid)
    cells = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).reshape(-1, 3)
    return sinusoidal_positions(cells, width)


class LatentMapping(nn.Module):
    """Latent of `channels` to tokens and back, in float32; the position code is a fixed tensor or learnt."""

    pos_emb: Tensor  # [L, width]

    def __init__(self, channels: int, width: int, positions: Tensor | None = None) -> None:
        """`positions` [L, width] stay as they are; None learns the code of a latent of one token."""
        super().__init__()
        if positions is None:
            self.pos_emb = nn.Parameter(0.02 * torch.randn(1, width))
        else:
            self.register_buffer("pos_emb", positions)
        self.input_layer = nn.Linear(channels, width)
        self.out_norm = LayerNorm(width, eps=1e-5, affine=False)
        self.out_layer = nn.Linear(width, channels)

    def to_input(self, latent: Tensor) -> Tensor:
        """Tokens [B, L, width] of a latent [B, L, channels]."""
        tokens: Tensor = self.input_layer(latent.float()) + self.pos_emb
        return tokens

    def to_output(self, tokens: Tensor) -> Tensor:
        """Velocity [B, L, channels] float32 of the last block's tokens [B, L, width]."""
        velocity: Tensor = self.out_layer(self.out_norm(tokens.float()))
        return velocity


def latent_mappings(config: GeometryConfig) -> nn.ModuleDict:
    """The mapping of each latent; a name may begin with a digit, so they are looked up and not attributes."""
    shape = LatentMapping(config.channels, config.width, grid_positions(config.grid, config.width))
    layout = {name: LatentMapping(channels, config.width) for name, channels in LAYOUT_CHANNELS.items()}
    return nn.ModuleDict({SHAPE: shape, **layout})
