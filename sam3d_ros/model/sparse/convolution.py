"""Convolutions that stay on the occupied voxels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from .chunks import by_rows
from .folding import children_rules, fold_weights
from .gathered import gather_multiply, is_worth_gathering
from .kernel import Rule, multiply_add
from .tensor import SparseTensor
from .voxels import Voxels

# How the sums of products are computed. The one place where another library's kernel would be chosen, by argument.
ConvolutionKernel = Callable[[Tensor, Sequence[Rule], Sequence[Tensor], int], Tensor]


class _Weights(nn.Module):
    """Weight [Cout, k, k, k, Cin] and bias, under the name that the published files give them."""

    def __init__(self, width_in: int, width_out: int, edge: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(width_in * edge**3)
        self.weight = nn.Parameter(torch.empty(width_out, edge, edge, edge, width_in).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(width_out).uniform_(-bound, bound))


class SubmanifoldConvolution(nn.Module):
    """3x3x3 convolution whose output exists only where the input does.

    Cross-correlation, as in `torch.nn.functional.conv3d`, with the kernel's axes in the order x, y, z of the
    coordinates; an absent neighbour counts as zero.
    """

    def __init__(self, width_in: int, width_out: int, *, kernel: ConvolutionKernel | None = None) -> None:
        """Without a kernel the quicker of `gather_multiply` and `multiply_add` is taken for what comes in."""
        super().__init__()
        self.conv = _Weights(width_in, width_out, 3)
        self.kernel = kernel

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Features [N, Cin] of the weights' dtype to [N, Cout] of the same."""
        features, weight = _in_autocast(x.features, self.conv.weight)
        if self.kernel is None and is_worth_gathering(features):
            summed = gather_multiply(features, x.voxels.neighbours.table, weight.flatten(1, 3))
            return x.replace((summed + self.conv.bias).to(x.features.dtype))
        weights = self.conv.weight.flatten(1, 3).permute(1, 2, 0).unbind()  # 27 of [Cin, Cout], in the order of OFFSETS
        rules = [Rule(pairs.source, pairs.target[:, None]) for pairs in x.voxels.neighbours]
        return self._convolved(x, x.voxels, rules, weights)

    def on_children(self, x: SparseTensor, children: Voxels) -> SparseTensor:
        """The convolution of features repeated at all eight children of each voxel, [8N, Cout], without repeating them.

        Children of one voxel carry the same features, so weights that meet the same parent are added up first: 8
        products per child instead of 27.
        """
        rules = children_rules(x.voxels.neighbours)
        return self._convolved(x, children, rules, fold_weights(self.conv.weight))

    def _convolved(
        self, x: SparseTensor, voxels: Voxels, rules: Sequence[Rule], weights: Sequence[Tensor]
    ) -> SparseTensor:
        summed = (self.kernel or multiply_add)(x.features, rules, weights, len(voxels))
        return SparseTensor(voxels, by_rows(lambda part: (part + self.conv.bias).to(x.features.dtype), summed))


def _in_autocast(*tensors: Tensor) -> list[Tensor]:
    """The tensors in the dtype in which torch multiplies here: another one only where autocast says so."""
    kind = tensors[0].device.type
    if not torch.is_autocast_enabled(kind):
        return list(tensors)
    return [x.to(torch.get_autocast_dtype(kind)) for x in tensors]


class PointConvolution(nn.Module):
    """1x1x1 convolution as the published weights mean it.

    Their buffer, stored as [Cout, 1, 1, 1, Cin], was trained as a matrix [Cin, Cout] laid over the same numbers: it is
    reinterpreted, not transposed.
    """

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.conv = _Weights(width_in, width_out, 1)

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Features [N, Cin] of the weights' dtype to [N, Cout] of the same."""
        width_out, width_in = self.conv.weight.shape[0], self.conv.weight.shape[-1]
        return x.replace(torch.addmm(self.conv.bias, x.features, self.conv.weight.reshape(width_in, width_out)))
