"""Convolutional blocks of the structure decoder, on dense grids [B, C, X, Y, Z]."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ..layers import LayerNorm
from ..layers.convolution import VolumeConvolution


class ChannelNorm(LayerNorm):
    """Layer norm over the channels of each voxel; eps 1e-5, unlike the transformers."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-5)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class ResidualBlock(nn.Module):
    """Norm, SiLU, convolution, twice, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(channels)
        self.norm2 = ChannelNorm(channels)
        self.conv1 = VolumeConvolution(channels, channels, 3, padding=1)
        self.conv2 = VolumeConvolution(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(functional.silu(self.norm1(x)))
        answer: Tensor = x + self.conv2(functional.silu(self.norm2(h)))
        return answer


class Upsample(nn.Module):
    """Doubles the resolution: a convolution to eight times the channels, dealt out to the eight children."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = VolumeConvolution(channels, 8 * out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return pixel_shuffle_3d(self.conv(x))


def pixel_shuffle_3d(x: Tensor) -> Tensor:
    """[B, 8 C, X, Y, Z] as [B, C, 2 X, 2 Y, 2 Z].

    Channel (c, i, j, k) of voxel (x, y, z) becomes channel c of (2 x + i, 2 y + j, 2 z + k).
    """
    split = x.unflatten(1, (-1, 2, 2, 2))  # [B, C, 2, 2, 2, X, Y, Z]
    woven = split.permute(0, 1, 5, 2, 6, 3, 7, 4)  # [B, C, X, 2, Y, 2, Z, 2]
    return woven.flatten(6, 7).flatten(4, 5).flatten(2, 3)
