"""Transformer blocks of the vision encoders; GELU in its erf form, unlike the flow transformers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..layers import KeysValues, LayerNorm, attend, heads_first, split_heads


class VitAttention(nn.Module):
    """Self-attention; runs in the weights' dtype."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Every token of x [B, L, C] attends to every other."""
        packed = self.qkv(x.to(self.qkv.weight.dtype))
        q, k, v = (heads_first(part) for part in split_heads(packed, 3, self.heads))
        answer: Tensor = self.proj(attend(q, KeysValues(k, v)))
        return answer

    def first_token(self, x: Tensor) -> Tensor:
        """The answer [B, 1, C] to the first token of x [B, L, C] alone: the other queries are not computed."""
        weight, bias, width = self.qkv.weight, self.qkv.bias, x.shape[-1]
        x = x.to(weight.dtype)
        queries = functional.linear(x[:, :1], weight[:width], bias[:width])
        packed = functional.linear(x, weight[width:], bias[width:])
        (q,) = (heads_first(part) for part in split_heads(queries, 1, self.heads))
        k, v = (heads_first(part) for part in split_heads(packed, 2, self.heads))
        answer: Tensor = self.proj(attend(q, KeysValues(k, v)))
        return answer


class VitMlp(nn.Module):
    """Linear, GELU (erf), Linear; runs in the weights' dtype."""

    def __init__(self, width: int, ratio: float) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, int(width * ratio))
        self.fc2 = nn.Linear(int(width * ratio), width)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.fc2(functional.gelu(self.fc1(x.to(self.fc1.weight.dtype))))
        return answer


class LayerScale(nn.Module):
    """A learnt factor for each channel, applied in its own dtype: half precision comes back to float32 here."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class VitBlock(nn.Module):
    """Block of DINOv2; the sum of the residuals stays in the dtype of x."""

    def __init__(self, width: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.norm1 = LayerNorm(width, eps=1e-6)
        self.attn = VitAttention(width, heads)
        self.ls1 = LayerScale(width)
        self.norm2 = LayerNorm(width, eps=1e-6)
        self.mlp = VitMlp(width, mlp_ratio)
        self.ls2 = LayerScale(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x)))
        answer: Tensor = x + self.ls2(self.mlp(self.norm2(x)))
        return answer


class SummaryBlock(nn.Module):
    """Block without layer scale, of which only the first token goes on: nothing else of its answer is computed."""

    def __init__(self, width: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.norm1 = LayerNorm(width, eps=1e-6)
        self.attn = VitAttention(width, heads)
        self.norm2 = LayerNorm(width, eps=1e-6)
        self.mlp = VitMlp(width, mlp_ratio)

    def forward(self, x: Tensor) -> Tensor:
        """First token [B, C] after the block of tokens x [B, L, C]."""
        first = x[:, :1] + self.attn.first_token(self.norm1(x))
        answer: Tensor = first + self.mlp(self.norm2(first))
        return answer[:, 0]
