"""Slow and plain: the sparse operations on dense grids, and samples to try them on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from sam3d_ros.model.sparse import SparseTensor


def some_coords(counts: Sequence[int] = (40,), *, grid: int = 8, seed: int = 0) -> Tensor:
    """Different places [N, 4] of a grid for each object, in no order but by object; dense enough to have neighbours."""
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for index, count in enumerate(counts):
        chosen = torch.randperm(grid**3, generator=generator)[:count]
        xyz = torch.stack([chosen // grid**2, chosen // grid % grid, chosen % grid], dim=1)
        parts.append(torch.cat([torch.full((count, 1), index), xyz], dim=1))
    return torch.cat(parts).int()


def some_voxels(
    width: int, counts: Sequence[int] = (40,), *, grid: int = 8, seed: int = 0, dtype: torch.dtype = torch.float32
) -> SparseTensor:
    """Normal features [N, width] at `some_coords`."""
    features = torch.randn(sum(counts), width, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return SparseTensor.of(some_coords(counts, grid=grid, seed=seed), features)


def objects_of(x: SparseTensor) -> list[SparseTensor]:
    """Each object on its own, as object 0."""
    return [
        SparseTensor.of(torch.cat([torch.zeros(len(places), 1, dtype=torch.int32), places], dim=1), features)
        for places, features in x.per_object()
    ]


def to_dense(x: SparseTensor, grid: int) -> Tensor:
    """Features on a grid of zeros, [B, C, grid, grid, grid]."""
    dense = x.features.new_zeros(x.voxels.objects, grid, grid, grid, x.features.shape[1])
    return dense.index_put(tuple(x.coords.long().T), x.features).permute(0, 4, 1, 2, 3)


def read_dense(dense: Tensor, coords: Tensor) -> Tensor:
    """Features [N, C] of a grid [B, C, R, R, R] at places."""
    return dense.permute(0, 2, 3, 4, 1)[tuple(coords.long().T)]


def convolved(x: SparseTensor, weight: Tensor, bias: Tensor) -> SparseTensor:
    """The 3x3x3 convolution [Cout, x, y, z, Cin] as a dense one, read at the voxels."""
    dense = to_dense(x, int(x.coords[:, 1:].max()) + 1)
    answer = functional.conv3d(dense, weight.permute(0, 4, 1, 2, 3), bias, padding=1)
    return x.replace(read_dense(answer, x.coords))


def repeated(x: SparseTensor) -> SparseTensor:
    """The eight children of each voxel, z fastest, with its features, found one by one."""
    rows, coords = [], []
    for row, (index, *place) in enumerate(x.coords.tolist()):
        for child in ((a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)):
            coords.append([index, *(2 * p + o for p, o in zip(place, child, strict=True))])
            rows.append(row)
    return SparseTensor.of(torch.tensor(coords), x.features[rows])


def attended(q: Tensor, k: Tensor, v: Tensor, group: Tensor) -> Tensor:
    """Attention [N, H * D] of rows [N, H, D] to those with the same group number [N], by one mask of all pairs."""
    mask = group[:, None] == group[None]
    parts = (part.transpose(0, 1)[None] for part in (q, k, v))
    answer = functional.scaled_dot_product_attention(*parts, attn_mask=mask)
    return answer[0].transpose(0, 1).flatten(1)
