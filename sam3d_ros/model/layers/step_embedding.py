"""Embedding of one number per sample: the time of a flow, and the size of its step."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

FEATURES = 256


def step_features(value: Tensor) -> Tensor:
    """[B, 256]: cosines and then sines of values [B] at 128 frequencies, from 1 down to nearly 1 / 10000."""
    half = FEATURES // 2
    exponents = torch.arange(half, dtype=torch.float32, device=value.device) / half
    angles = value.float()[:, None] * torch.exp(-math.log(10_000) * exponents)  # [B, 128]
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class StepEmbedding(nn.Module):
    """Features of a number, then Linear, SiLU, Linear; the networks see 1000 t and 1000 d."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(FEATURES, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, value: Tensor) -> Tensor:
        """[B, width] of values [B]; runs in the weights' dtype, while the angles are always float32."""
        embedded: Tensor = self.mlp(step_features(value).to(self.mlp[0].weight.dtype))
        return embedded
