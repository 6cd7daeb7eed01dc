"""Transformer block of the refinement network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..layers import CrossAttention, FeedForward, KeysValues, LayerNorm, SelfAttention
from ..sparse import SparseTensor, attend_objects


class RefinementBlock(nn.Module):
    """Self-attention over an object's voxels, cross-attention to its condition, feed-forward; the time modulates."""

    def __init__(self, width: int, condition_width: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.norm = LayerNorm(width, eps=1e-6, affine=False)  # before self-attention, and before the feed-forward
        self.norm2 = LayerNorm(width, eps=1e-6)
        self.self_attn = SelfAttention(width, heads, rms_norm=True)
        self.cross_attn = CrossAttention(width, condition_width, heads)
        self.mlp = FeedForward(width, mlp_ratio)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(self, x: SparseTensor, embedding: Tensor, condition: KeysValues | None) -> SparseTensor:
        """Features [N, C], embedding of the time [B, C], and the condition of each object; None is one of zeros."""
        modulation = x.voxels.spread(self.adaLN_modulation(embedding))
        shift1, scale1, gate1, shift2, scale2, gate2 = modulation.chunk(6, dim=1)
        h, counts = x.features, x.voxels.counts
        h = h + gate1 * self._attend(self.norm(h) * (1 + scale1) + shift1, counts)
        h = h + self._look_up(self.norm2(h), condition, counts)
        return x.replace(h + gate2 * self.mlp(self.norm(h) * (1 + scale2) + shift2))

    def _attend(self, h: Tensor, counts: tuple[int, ...]) -> Tensor:
        answer: Tensor = self.self_attn.to_out(attend_objects(*self.self_attn.project(h), counts))
        return answer

    def _look_up(self, h: Tensor, condition: KeysValues | None, counts: tuple[int, ...]) -> Tensor:
        if condition is None:
            return self.cross_attn.zero_answer()
        conditions = zip(condition.k.split(1), condition.v.split(1), strict=True)
        parts = zip(h.split(counts), conditions, strict=True)
        return torch.cat([self.cross_attn(tokens[None], KeysValues(*own))[0] for tokens, own in parts])
