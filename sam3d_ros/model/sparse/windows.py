"""Attention within groups of voxels: the whole of each object, or cubes of its grid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from .places import encode, extents_of

# Windows are padded to a multiple of this. Measured: 16 pads 20 % more tokens than there are, 64 pads 70 %; one call
# per window is as fast on CPU, but means hundreds of small kernels on CUDA.
_STEP = 16


class Bucket(NamedTuple):
    """Windows of about the same size."""

    rows: Tensor  # [W, L] voxels of each window, any valid row where it has fewer than L
    filled: Tensor  # [W, L] bool, where there is a voxel


class Windows(NamedTuple):
    """A partition of voxels."""

    buckets: list[Bucket]
    places: Tensor  # [N] where each voxel's answer lies among all buckets' [W*L] answers, one after the other


def group_windows(coords: Tensor, edge: int, shift: int) -> Windows:
    """Windows of voxels at coords [N, 4] (object, x, y, z) with equal object and equal (x + shift) // edge, etc."""
    cells = torch.cat([coords[:, :1], (coords[:, 1:] + shift) // edge], dim=1)
    _, window, sizes = torch.unique(encode(cells, extents_of(cells)), return_inverse=True, return_counts=True)
    order = window.argsort(stable=True)
    starts = sizes.cumsum(0) - sizes
    buckets = list(_buckets(order, starts, sizes))
    answers = torch.cat([bucket.rows[bucket.filled] for bucket in buckets])
    slots = torch.cat([bucket.filled.flatten() for bucket in buckets]).nonzero().squeeze(1)
    return Windows(buckets, torch.empty_like(slots).index_copy_(0, answers, slots))


def _buckets(order: Tensor, starts: Tensor, sizes: Tensor) -> Iterator[Bucket]:
    padded = (sizes + _STEP - 1) // _STEP * _STEP
    for length in padded.unique().tolist():
        chosen = (padded == length).nonzero()  # [W, 1]
        slot = torch.arange(length, device=sizes.device)
        filled = slot < sizes[chosen]  # [W, L]
        yield Bucket(order[starts[chosen] + torch.where(filled, slot, 0)], filled)


def attend_windows(qkv: Tensor, windows: Windows) -> Tensor:
    """Each voxel attends to those of its window: packed qkv [N, 3, H, D] to answers [N, H*D]."""
    answers = []
    for rows, filled in windows.buckets:
        q, k, v = qkv[rows].permute(2, 0, 3, 1, 4)  # [W, H, L, D]
        answer = scaled_dot_product_attention(q, k, v, attn_mask=filled[:, None, None])
        answers.append(answer.transpose(1, 2).flatten(0, 1))  # [W*L, H, D]
    return torch.cat(answers)[windows.places].flatten(1)


def attend_objects(q: Tensor, k: Tensor, v: Tensor, counts: tuple[int, ...]) -> Tensor:
    """Each voxel attends to all of its object: q, k, v [N, H, D] with `counts` rows per object to answers [N, H*D].

    One call per object: no padding, no mask, and nothing of the other objects enters.
    """
    answers = []
    for parts in zip(*(x.transpose(0, 1).split(counts, dim=1) for x in (q, k, v)), strict=True):
        answer = scaled_dot_product_attention(*(part[None] for part in parts))[0]  # [H, n, D]
        answers.append(answer.transpose(0, 1))
    return torch.cat(answers).flatten(1)
