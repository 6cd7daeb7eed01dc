"""Self-attention of the two streams of stage 1, in which the shape is protected from the layout."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..layers import KeysValues, MultiHeadRMSNorm, attend, heads_first, split_heads
from .latents import LAYOUT, SHAPE


class ProtectedAttention(nn.Module):
    """Shape tokens attend to the shape alone, layout tokens to the layout and then the shape.

    No gradient of the layout reaches the shape's keys and values. So the shape never depends on the layout, and the
    shape stream can run alone.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        names, head_dim = (SHAPE, LAYOUT), width // heads
        self.to_qkv = nn.ModuleDict({name: nn.Linear(width, 3 * width) for name in names})
        self.q_rms_norm = nn.ModuleDict({name: MultiHeadRMSNorm(heads, head_dim) for name in names})
        self.k_rms_norm = nn.ModuleDict({name: MultiHeadRMSNorm(heads, head_dim) for name in names})
        self.to_out = nn.ModuleDict({name: nn.Linear(width, width) for name in names})

    def forward(self, streams: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Answers [B, L, C] to the tokens [B, L, C] of the shape stream, and of the layout stream if it is there."""
        q, shape = self._project(SHAPE, streams[SHAPE])
        answers = {SHAPE: self.to_out[SHAPE](attend(q, shape))}
        if LAYOUT in streams:
            q, layout = self._project(LAYOUT, streams[LAYOUT])
            k = torch.cat([layout.k, shape.k.detach()], dim=2)  # [B, H, layout tokens + shape tokens, D]
            v = torch.cat([layout.v, shape.v.detach()], dim=2)
            answers[LAYOUT] = self.to_out[LAYOUT](attend(q, KeysValues(k, v)))
        return answers

    def _project(self, name: str, x: Tensor) -> tuple[Tensor, KeysValues]:
        q, k, v = split_heads(self.to_qkv[name](x), 3, self.heads)
        q, k = self.q_rms_norm[name](q), self.k_rms_norm[name](k)
        return heads_first(q), KeysValues(heads_first(k), heads_first(v))
