"""One block of the mixture of transformers of stage 1."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from ..config import GeometryConfig
from ..layers import CrossAttention, FeedForward, KeysValues, LayerNorm
from .attention import ProtectedAttention
from .latents import LAYOUT, SHAPE


class GeometryBlock(nn.Module):
    """Self-attention, cross-attention and feed-forward, with weights of their own for each of the two streams.

    Shared are the modulation by the time and the condition tokens. Cross-attention has neither modulation nor gate nor
    a norm of queries and keys.
    """

    def __init__(self, config: GeometryConfig) -> None:
        super().__init__()
        width, heads, names = config.width, config.heads, (SHAPE, LAYOUT)
        self.norm = LayerNorm(width, eps=1e-6, affine=False)  # before self-attention, and before the feed-forward
        self.norm2 = nn.ModuleDict({name: LayerNorm(width, eps=1e-6) for name in names})
        self.self_attn = ProtectedAttention(width, heads)
        self.cross_attn = nn.ModuleDict({name: CrossAttention(width, config.condition_width, heads) for name in names})
        layout_ratio = config.mlp_ratio if config.layout_mlp_ratio is None else config.layout_mlp_ratio
        ratios = {SHAPE: config.mlp_ratio, LAYOUT: layout_ratio}
        self.mlp = nn.ModuleDict({name: FeedForward(width, ratios[name]) for name in names})
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(
        self, streams: Mapping[str, Tensor], embedding: Tensor, condition: Mapping[str, KeysValues] | None
    ) -> dict[str, Tensor]:
        """Streams of tokens [B, L, C], time embedding [B, C]; a condition of None stands for tokens of zeros."""
        modulation = self.adaLN_modulation(embedding)[:, None].chunk(6, dim=-1)  # each [B, 1, C]
        shift1, scale1, gate1, shift2, scale2, gate2 = modulation
        attended = self.self_attn({name: self.norm(x) * (1 + scale1) + shift1 for name, x in streams.items()})
        after = {}
        for name, before in streams.items():
            x = before + gate1 * attended[name]
            x = x + self.cross_attn[name](self.norm2[name](x), None if condition is None else condition[name])
            after[name] = x + gate2 * self.mlp[name](self.norm(x) * (1 + scale2) + shift2)
        return after
