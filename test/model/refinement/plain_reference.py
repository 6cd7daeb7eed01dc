"""The refinement network once more: slow, for one object, from its weights by name and functions of torch alone."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from dense_reference import convolved
from torch import Tensor
from torch.nn import functional

from sam3d_ros.model.sparse import SparseTensor, downsample

Weights = Mapping[str, Tensor]


def linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    return functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def norm(x: Tensor, eps: float = 1e-6) -> Tensor:
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=False) + eps).sqrt()


def affine_norm(weights: Weights, name: str, x: Tensor) -> Tensor:
    return norm(x) * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def step(weights: Weights, name: str, value: float) -> Tensor:
    angles = [value * math.exp(-math.log(10_000) * j / 128) for j in range(128)]
    features = torch.tensor([math.cos(a) for a in angles] + [math.sin(a) for a in angles])
    return linear(weights, f"{name}.mlp.2", functional.silu(linear(weights, f"{name}.mlp.0", features)))


def resblock(weights: Weights, name: str, x: SparseTensor, t: Tensor) -> SparseTensor:
    def conv(number: int, features: Tensor) -> Tensor:
        key = f"{name}.conv{number}.conv"
        return convolved(x.replace(features), weights[f"{key}.weight"], weights[f"{key}.bias"]).features

    scale, shift = linear(weights, f"{name}.emb_layers.1", functional.silu(t)).chunk(2)
    h = conv(1, functional.silu(affine_norm(weights, f"{name}.norm1", x.features)))
    h = conv(2, functional.silu(norm(h) * (1 + scale) + shift))
    narrow = f"{name}.skip_connection.weight" not in weights
    return x.replace(h + (x.features if narrow else linear(weights, f"{name}.skip_connection", x.features)))


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Of q, k, v [L, H, D], head by head."""
    heads = []
    for head in range(q.shape[1]):
        scores = q[:, head] @ k[:, head].T / math.sqrt(q.shape[2])
        heads.append(scores.softmax(dim=1) @ v[:, head])
    return torch.cat(heads, dim=1)


def rms(x: Tensor, gamma: Tensor) -> Tensor:
    return x / x.norm(dim=-1, keepdim=True) * gamma * math.sqrt(x.shape[-1])


def transformer(weights: Weights, name: str, x: Tensor, context: tuple[Tensor, Tensor, int]) -> Tensor:
    t, tokens, heads = context
    modulation = linear(weights, f"{name}.adaLN_modulation.1", functional.silu(t))
    shift1, scale1, gate1, shift2, scale2, gate2 = modulation.chunk(6)
    h = norm(x) * (1 + scale1) + shift1
    q, k, v = linear(weights, f"{name}.self_attn.to_qkv", h).unflatten(1, (3, heads, -1)).unbind(1)
    q = rms(q, weights[f"{name}.self_attn.q_rms_norm.gamma"])
    k = rms(k, weights[f"{name}.self_attn.k_rms_norm.gamma"])
    x = x + gate1 * linear(weights, f"{name}.self_attn.to_out", attention(q, k, v))
    q = linear(weights, f"{name}.cross_attn.to_q", affine_norm(weights, f"{name}.norm2", x)).unflatten(1, (heads, -1))
    k, v = linear(weights, f"{name}.cross_attn.to_kv", tokens).unflatten(1, (2, heads, -1)).unbind(1)
    x = x + linear(weights, f"{name}.cross_attn.to_out", attention(q, k, v))
    h = linear(weights, f"{name}.mlp.mlp.0", norm(x) * (1 + scale2) + shift2)
    return x + gate2 * linear(weights, f"{name}.mlp.mlp.2", functional.gelu(h, approximate="tanh"))


def positions(coords: Tensor, width: int) -> Tensor:
    count = width // 6
    columns = []
    for axis in range(3):
        angles = [coords[:, axis] * 10_000 ** (-j / count) for j in range(count)]
        columns += [torch.sin(a) for a in angles] + [torch.cos(a) for a in angles]
    code = torch.stack(columns, dim=1)
    return torch.cat([code, torch.zeros(len(code), width - code.shape[1])], dim=1)


def refinement(weights: Weights, x: SparseTensor, time: float, condition: tuple[Tensor, int]) -> Tensor:
    """Velocity [N, C] of one object under tokens [L, C], with two residual blocks on either side."""
    tokens, heads = condition
    t = step(weights, "t_embedder", time)
    first = resblock(weights, "input_blocks.0", x.replace(linear(weights, "input_layer", x.features)), t)
    second = resblock(weights, "input_blocks.1", downsample(first), t)
    h = second.features + positions(second.coords[:, 1:].float(), second.features.shape[1])
    depth = 1 + max(int(key.split(".")[1]) for key in weights if key.startswith("blocks."))
    for index in range(depth):
        h = transformer(weights, f"blocks.{index}", h, (t, tokens, heads))
    # Joined first, at half the resolution, and then brought up together.
    joined = torch.cat([h, second.features], dim=1)[x.voxels.halved[1]]
    h = resblock(weights, "out_blocks.0", x.replace(joined), t).features
    h = resblock(weights, "out_blocks.1", x.replace(torch.cat([h, first.features], dim=1)), t).features
    return linear(weights, "out_layer", norm(h, 1e-5))
