"""Attention over heads, through torch's scaled dot product attention; no position enters here."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .norm import MultiHeadRMSNorm

_FEW_SCORES = 1 << 19  # of a head


class KeysValues(NamedTuple):
    """What an attention looks up, heads before tokens as torch's attention wants it."""

    k: Tensor  # [B, H, L, D]
    v: Tensor  # [B, H, L, D]


def split_heads(packed: Tensor, parts: int, heads: int) -> list[Tensor]:
    """`parts` tensors [..., L, H, D] of a projection [..., L, parts * H * D]: queries, keys, values in this order."""
    return list(packed.unflatten(-1, (parts, heads, -1)).unbind(dim=-3))


def heads_first(x: Tensor) -> Tensor:
    """[B, L, H, D] as [B, H, L, D]."""
    return x.transpose(-3, -2)


def attend(q: Tensor, keys_values: KeysValues) -> Tensor:
    """Softmax attention of queries [B, H, Lq, D], scaled by 1 / sqrt(D); heads merged, [B, Lq, H * D].

    Keys and values of one condition (batch 1) serve any number of queries.
    """
    k, v = (x.expand(q.shape[0], -1, -1, -1) for x in keys_values)
    if _is_quicker_in_products(q, k):
        scores = ((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)).float()
        return (scores.softmax(dim=-1).to(v.dtype) @ v).transpose(1, 2).flatten(2)
    return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def _is_quicker_in_products(q: Tensor, k: Tensor) -> bool:
    """Whether plain products beat torch's fused attention: on CPUs in bfloat16, for scores that fit into the cache."""
    few = q.shape[-2] * k.shape[-2] <= _FEW_SCORES
    return few and q.device.type == "cpu" and q.dtype is torch.bfloat16 and not torch.is_grad_enabled()


class SelfAttention(nn.Module):
    """Self-attention of one stream; with `rms_norm` queries and keys are normed per head."""

    def __init__(self, width: int, heads: int, *, rms_norm: bool) -> None:
        super().__init__()
        self.heads = heads
        self.to_qkv = nn.Linear(width, 3 * width)
        self.q_rms_norm = MultiHeadRMSNorm(heads, width // heads) if rms_norm else None
        self.k_rms_norm = MultiHeadRMSNorm(heads, width // heads) if rms_norm else None
        self.to_out = nn.Linear(width, width)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values [..., L, H, D] of tokens [..., L, C], for those who group tokens themselves."""
        q, k, v = split_heads(self.to_qkv(x), 3, self.heads)
        if self.q_rms_norm is not None and self.k_rms_norm is not None:
            q, k = self.q_rms_norm(q), self.k_rms_norm(k)
        return q, k, v

    def forward(self, x: Tensor) -> Tensor:
        """Every token [B, L, C] attends to every token of its batch entry."""
        q, k, v = (heads_first(part) for part in self.project(x))
        answer: Tensor = self.to_out(attend(q, KeysValues(k, v)))
        return answer


class CrossAttention(nn.Module):
    """Attention to condition tokens, whose keys and values depend on neither x nor the time: project them once."""

    def __init__(self, width: int, condition_width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width)
        self.to_kv = nn.Linear(condition_width, 2 * width)
        self.to_out = nn.Linear(width, width)

    def project(self, condition: Tensor) -> KeysValues:
        """Keys and values of condition tokens [B, L, C], in the weights' dtype."""
        k, v = split_heads(self.to_kv(condition.to(self.to_kv.weight.dtype)), 2, self.heads)
        return KeysValues(heads_first(k), heads_first(v))

    def zero_answer(self) -> Tensor:
        """The answer [C] to any query when all condition tokens are zeros, the unconditional input.

        Then all keys are equal and all values are the bias, so the softmax does not matter.
        """
        answer: Tensor = self.to_out(self.to_kv.bias.chunk(2)[1])
        return answer

    def forward(self, x: Tensor, keys_values: KeysValues | None) -> Tensor:
        """Tokens [B, L, C] attend to `keys_values`; None is the condition of zeros and answers [C]."""
        if keys_values is None:
            return self.zero_answer()
        q = heads_first(split_heads(self.to_q(x), 1, self.heads)[0])
        answer: Tensor = self.to_out(attend(q, keys_values))
        return answer
