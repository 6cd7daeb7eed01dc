"""The feed-forward part of the flow transformers and of the latent decoders."""

from __future__ import annotations

from torch import Tensor, nn


class FeedForward(nn.Module):
    """Linear, GELU in its tanh form (the vision transformers use erf), Linear."""

    def __init__(self, width: int, ratio: float) -> None:
        super().__init__()
        hidden = int(width * ratio)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(approximate="tanh"), nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.mlp(x)
        return answer
