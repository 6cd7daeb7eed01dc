"""Projection of an embedder's tokens to the width of the condition."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional

from ..config import EmbedderConfig
from ..layers import LayerNorm


class SwiGLU(nn.Module):
    """Gated feed-forward without biases (Shazeer 2020, arXiv 2002.05202); runs in the weights' dtype."""

    def __init__(self, width: int, hidden: int, out_width: int) -> None:
        super().__init__()
        self.w1 = nn.Linear(width, hidden, bias=False)
        self.w2 = nn.Linear(hidden, out_width, bias=False)
        self.w3 = nn.Linear(width, hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(self.w1.weight.dtype)
        answer: Tensor = self.w2(functional.silu(self.w1(x)) * self.w3(x))
        return answer


def projection(width: int, config: EmbedderConfig) -> nn.Sequential:
    """Layer norm (eps 1e-5) and SwiGLU from an embedder's width to the condition's."""
    return nn.Sequential(LayerNorm(width, eps=1e-5), SwiGLU(width, hidden_width(config), config.width))


def hidden_width(config: EmbedderConfig) -> int:
    """Two thirds of ratio * width, since a gated layer has three matrices, rounded up to a multiple."""
    wide = int(2 * int(config.hidden_ratio * config.width) / 3)
    return config.hidden_multiple * math.ceil(wide / config.hidden_multiple)
