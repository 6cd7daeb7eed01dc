"""Normalisations, which stay in float32 where the rest of a network runs in half precision."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class LayerNorm(nn.Module):
    """Layer norm over the last dimension, in float32, with its answer in the input's dtype.

    Without affine it has no parameters, and none in the state dict.
    """

    def __init__(self, width: int, *, eps: float, affine: bool = True) -> None:
        super().__init__()
        self.width, self.eps = width, eps
        self.weight = nn.Parameter(torch.ones(width)) if affine else None
        self.bias = nn.Parameter(torch.zeros(width)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        # Without affine torch's kernel takes half precision itself and computes in float32 inside.
        wide = x if self.weight is None else x.float()
        normed = functional.layer_norm(wide, (self.width,), self.weight, self.bias, self.eps)
        return normed.to(x.dtype)


class MultiHeadRMSNorm(nn.Module):
    """Brings each head's vector to the length sqrt(head_dim), times gamma; no mean square with an eps inside."""

    def __init__(self, heads: int, head_dim: int) -> None:
        super().__init__()
        self.scale = math.sqrt(head_dim)
        self.gamma = nn.Parameter(torch.ones(heads, head_dim))

    def forward(self, x: Tensor) -> Tensor:
        """`x` [..., heads, head_dim]; the answer in its dtype."""
        return (functional.normalize(x.float(), dim=-1) * self.gamma * self.scale).to(x.dtype)
