"""The structure encoder: a shape on a fine grid to the latent that the structure decoder reads."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..structure.decoder_blocks import ChannelNorm, ResidualBlock

LOG_VARIANCE = (-20.0, 10.0)  # beyond these a variance is of no use, and its gradient harmful
FIELDS = 2  # occupancy and signed distance


class Posterior(NamedTuple):
    """Normal distribution of a latent, channel by channel."""

    mean: Tensor  # [B, L, channels]
    log_variance: Tensor  # [B, L, channels]

    def sample(self, noise: Tensor) -> Tensor:
        """A draw [B, L, channels] with standard normal noise of the same shape."""
        return self.mean + (0.5 * self.log_variance).exp() * noise

    def divergence(self) -> Tensor:
        """Mean Kullback-Leibler divergence from the standard normal distribution, per number of the latent."""
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance).mean()


class StructureEncoder(nn.Module):
    """Space to depth, then residual convolutions at each resolution, halved len(widths) - 1 times."""

    def __init__(self, channels: int, widths: tuple[int, ...], *, stem: int = 2) -> None:
        """`widths` from the finest resolution, which is that of the input by `stem`."""
        super().__init__()
        self.stem = nn.Conv3d(FIELDS, widths[0], stem, stride=stem)
        layers: list[nn.Module] = [ResidualBlock(widths[0])]
        for fine, coarse in pairwise(widths):
            layers += [nn.Conv3d(fine, coarse, 2, stride=2), ResidualBlock(coarse)]
        self.blocks = nn.Sequential(*layers)
        self.out_layer = nn.Sequential(ChannelNorm(widths[-1]), nn.SiLU(), nn.Conv3d(widths[-1], 2 * channels, 1))

    def forward(self, occupancy: Tensor, distance: Tensor) -> Posterior:
        """Latent of occupancy (0 or 1) and truncated signed distance (-1 to 1, negative inside), [B, 1, R, R, R] each.

        Cell (x, y, z) of the latent is row (x * grid + y) * grid + z, as in the structure decoder.
        """
        fields = torch.cat([occupancy - 0.5, distance], dim=1).to(self.stem.weight.dtype)
        h: Tensor = self.out_layer(self.blocks(self.stem(fields))).float()
        mean, log_variance = h.flatten(2).transpose(1, 2).chunk(2, dim=-1)  # [B, grid^3, channels] each
        return Posterior(mean, log_variance.clamp(*LOG_VARIANCE))
