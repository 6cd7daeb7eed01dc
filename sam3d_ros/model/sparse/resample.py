"""Features on grids of half and of twice the resolution."""

from __future__ import annotations

import torch

from .tensor import SparseTensor
from .voxels import Voxels


def downsample(x: SparseTensor) -> SparseTensor:
    """Features at half the resolution: the sum of the n voxels in a cell divided by n + 1.

    Not their mean: the published network was trained with a pooling that counts the zero it starts from.
    """
    coarse, rows = x.voxels.halved
    count = torch.bincount(rows, minlength=len(coarse))  # [M]
    corner = (x.coords[:, 1:] % 2 * x.coords.new_tensor((4, 2, 1))).sum(dim=1)  # [N]
    # Each voxel has its own place among eight, so that the sum has one order on every device.
    cells = x.features.new_zeros(8 * len(coarse), x.features.shape[1], dtype=torch.float32)
    cells = cells.index_copy(0, 8 * rows + corner, x.features.float())
    total = cells.view(len(coarse), 8, -1).sum(dim=1)  # [M, C]
    return SparseTensor(coarse, (total / (count[:, None] + 1)).to(x.features.dtype))


def upsample(x: SparseTensor, voxels: Voxels) -> SparseTensor:
    """Features of the halved grid at each of the `voxels` that it was halved from."""
    coarse, rows = voxels.halved
    if len(x.voxels) != len(coarse):
        raise ValueError(f"{len(x.voxels)} voxels are not the halved grid, which has {len(coarse)}")
    return SparseTensor(voxels, x.features.index_select(0, rows))
