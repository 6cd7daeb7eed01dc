"""Shifted-window transformer with which both decoders of structured latents begin."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..config import TrunkConfig
from ..layers import FeedForward, LayerNorm, SelfAttention, cast_weights, sinusoidal_positions
from ..sparse import SparseTensor, attend_windows


class TrunkBlock(nn.Module):
    """Attention within the windows of a grid, then a feed-forward part."""

    def __init__(self, config: TrunkConfig, shift: int) -> None:
        super().__init__()
        self.window, self.shift = config.window, shift
        self.norm = LayerNorm(config.width, eps=1e-6, affine=False)  # before attention, and before the feed-forward
        self.attn = SelfAttention(config.width, config.heads, rms_norm=False)
        self.mlp = FeedForward(config.width, config.mlp_ratio)

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Features [N, C] to the same."""
        h = x.features
        packed = self.attn.to_qkv(self.norm(h)).unflatten(1, (3, self.attn.heads, -1))  # [N, 3, H, D]
        h = h + self.attn.to_out(attend_windows(packed, x.voxels.windows(self.window, self.shift)))
        return x.replace(h + self.mlp(self.norm(h)))


class LatentTrunk(nn.Module):
    """Latents to features; every second block adds half a window to the coordinates before it groups them."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.config = config
        self.input_layer = nn.Linear(config.channels, config.width)
        self.blocks = nn.ModuleList(TrunkBlock(config, config.window // 2 * (i % 2)) for i in range(config.depth))

    def to_compute_dtype(self, dtype: torch.dtype) -> None:
        """Cast, in place, the weights that the published model holds in half precision; the others stay float32."""
        cast_weights(self.blocks, dtype)

    def features(self, latents: SparseTensor) -> SparseTensor:
        """Features [N, width] in the blocks' dtype of latents [N, channels]."""
        positions = sinusoidal_positions(latents.coords[:, 1:], self.config.width)
        h: Tensor = self.input_layer(latents.features.float()) + positions
        x = latents.replace(h.to(self.blocks[0].attn.to_qkv.weight.dtype))
        for block in self.blocks:
            x = block(x)
        return x
