"""A 3x3x3 convolution as one matrix product over all 27 neighbours side by side: quicker for few and narrow voxels.

At 2,500 voxels on one CPU core it took, in bfloat16, 1.1 instead of 13 ms for 32 channels and 8.5 instead of 18 ms from
192 to 48; in float32 2.7 instead of 5.3 ms for 32, and no less at 64. Wide features are better added up (`kernel`).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_WIDEST = 384  # bytes of a voxel's features
_MOST = 1 << 14  # voxels: 27 neighbours of each take up to 170 MB


def is_worth_gathering(features: Tensor) -> bool:
    """Whether features [N, C] are few and narrow, on a CPU."""
    narrow = features.shape[1] * features.element_size() <= _WIDEST
    return narrow and len(features) <= _MOST and features.device.type == "cpu"


def gather_multiply(features: Tensor, table: Tensor, weight: Tensor) -> Tensor:
    """Features [N, Cin] to [N, Cout] with weight [Cout, 27, Cin] of the same dtype.

    `table` [N, 27] is from `Neighbours.table`: rows of the neighbours, N where there is none.
    """
    output: Tensor = _GatherMultiply.apply(features, weight, table)
    return output


class _GatherMultiply(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, table: Tensor) -> Tensor:
        ctx.save_for_backward(features, weight, table)
        return _gathered(features, table) @ weight.flatten(1).T

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        features, weight, table = ctx.saved_tensors
        gradient = gradient.to(features.dtype)
        # What a voxel gave to the one at a step from it comes back from there: the steps in reverse.
        back = weight.flip(1).transpose(0, 1).flatten(0, 1)  # [27 * Cout, Cin]
        of_features = _gathered(gradient, table) @ back
        of_weight = (gradient.T @ _gathered(features, table)).view_as(weight)
        return of_features, of_weight, None


def _gathered(rows: Tensor, table: Tensor) -> Tensor:
    """Rows [N, C] of all neighbours, side by side [N, 27 C]; zeros for those that are absent."""
    with_zeros = torch.cat([rows, rows.new_zeros(1, rows.shape[1])])
    return with_zeros.index_select(0, table.flatten()).view(len(rows), -1)
