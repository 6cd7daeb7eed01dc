"""Sum of matrix products over pairs of voxels: what every sparse convolution here comes down to.

For each rule features are gathered, multiplied by the rule's weight and added to their targets. In a shell each voxel
has about 15 of its 27 neighbours, so this does half the arithmetic of one product over all 27 side by side. On two CPU
cores it took 0.2 to 0.95 times as long as that product at 96 channels and more, up to twice as long at 32, and a
fifteenth of a dense `conv3d` at the published widths of stage 2.
Targets within a rule are distinct, hence the sum has one order and runs are repeatable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .chunks import ROWS


class Rule(NamedTuple):
    """One matrix product: source rows of the input, and the k rows of the output to which each contributes."""

    source: Tensor  # [P] int32
    target: Tensor  # [P, k] int32, no row twice


def multiply_add(features: Tensor, rules: Sequence[Rule], weights: Sequence[Tensor], rows: int) -> Tensor:
    """Output [rows, Cout] with out[target] += features[source] @ weight for each rule.

    features is [N, Cin], each weight [Cin, k*Cout] of the same dtype. The sum is kept, and returned, in float32 or
    better. For the gradient only the inputs are kept: rows are gathered again in the backward pass.
    """
    output: Tensor = _MultiplyAdd.apply(features, rules, rows, *weights)
    return output


class _MultiplyAdd(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, rules: Sequence[Rule], rows: int, *weights: Tensor) -> Tensor:
        ctx.save_for_backward(features, *weights)
        ctx.rules = rules
        output = _zeros((rows, weights[0].shape[1] // rules[0].target.shape[1]), features)
        for rule, weight in zip(rules, weights, strict=True):
            for source, target in _chunks(rule):
                products = features.index_select(0, source) @ weight  # [P, k*Cout]
                output.index_add_(0, target.flatten(), products.view(-1, output.shape[1]).to(output.dtype))
        return output

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        features, *weights = ctx.saved_tensors
        gradient = gradient.to(features.dtype)
        of_features = _zeros(features.shape, features)
        of_weights = [_zeros(weight.shape, weight) for weight in weights]
        for rule, weight, of_weight in zip(ctx.rules, weights, of_weights, strict=True):
            for source, target in _chunks(rule):
                arriving = gradient.index_select(0, target.flatten()).view(-1, weight.shape[1])  # [P, k*Cout]
                of_features.index_add_(0, source, (arriving @ weight.T).to(of_features.dtype))
                of_weight += features.index_select(0, source).T @ arriving
        return of_features.to(features.dtype), None, None, *(w.to(features.dtype) for w in of_weights)


def _zeros(shape: tuple[int, int], like: Tensor) -> Tensor:
    return like.new_zeros(shape, dtype=torch.promote_types(like.dtype, torch.float32))


def _chunks(rule: Rule) -> Iterator[tuple[Tensor, Tensor]]:
    """The rule piece by piece, each with at most about ROWS rows of output."""
    rows = max(1, ROWS // rule.target.shape[1])
    return zip(rule.source.split(rows), rule.target.split(rows), strict=True)
