"""Condition tokens of a pointmap: one for each window of pixels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config import PointEmbedConfig
from .vit_block import SummaryBlock


class PointPatchEmbed(nn.Module):
    """Each pixel's point becomes a token, each window of pixels is summed up by a class token of its own."""

    def __init__(self, config: PointEmbedConfig) -> None:
        super().__init__()
        self.config = config
        self.side = config.image_size // config.patch  # windows along an edge
        width = config.width
        self.point_proj = nn.Linear(3, width)
        self.invalid_xyz_token = nn.Parameter(torch.zeros(width))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed_window = nn.Parameter(0.02 * torch.randn(1, 1 + config.patch**2, width))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, width, self.side, self.side))
        self.blocks = nn.Sequential(SummaryBlock(width, config.heads, config.mlp_ratio))

    @property
    def tokens(self) -> int:
        """Tokens of one pointmap."""
        return self.config.patches

    def forward(self, pointmap: Tensor) -> Tensor:
        """Tokens [B, windows, C] float32 of a pointmap [B, 3, H, W] in SSI space, windows row by row.

        A pixel with any coordinate that is not finite counts as unknown.
        """
        windows = self._windows(self._pixels(pointmap))  # [B * windows, patch^2, C]
        summaries = torch.cat([self.cls_token.expand(len(windows), -1, -1), windows], dim=1)
        tokens: Tensor = self.blocks(summaries + self.pos_embed_window)  # [B * windows, C]
        return tokens.unflatten(0, (len(pointmap), -1)) + self.pos_embed.flatten(2).transpose(1, 2)

    def _pixels(self, pointmap: Tensor) -> Tensor:
        """A token for each pixel of the resized pointmap, [B, S, S, C]."""
        size = (self.config.image_size, self.config.image_size)
        points = functional.interpolate(pointmap.float(), size, mode="nearest").movedim(1, -1)  # [B, S, S, 3]
        valid = torch.isfinite(points).all(dim=-1, keepdim=True)
        known = self.point_proj(torch.where(valid, points, 0.0))
        return torch.where(valid, known, self.invalid_xyz_token)

    def _windows(self, pixels: Tensor) -> Tensor:
        split = pixels.unflatten(2, (self.side, -1)).unflatten(1, (self.side, -1))  # [B, side, p, side, p, C]
        return split.transpose(2, 3).flatten(3, 4).flatten(0, 2)
