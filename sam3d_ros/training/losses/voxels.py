"""How far predicted fields of voxels are from the true ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ...model.decoders import VoxelFields

_SLOPE = 8.0  # of the logits of a distance in truncations: how sure a distance is of its side


@dataclass(frozen=True, slots=True)
class VoxelWeights:
    """Share of each term; 0 leaves it out of the sum."""

    distance: float = 2.0  # absolute difference of signed distances
    side: float = 0.5  # binary cross entropy of inside and outside
    colour: float = 1.0  # absolute difference of colours near the surface


def voxel_losses(
    answer: VoxelFields, truth: VoxelFields, near: Tensor, counts: tuple[int, ...], weights: VoxelWeights
) -> dict[str, Tensor]:
    """Weighted terms of fields against true ones; colours count where `near` [N, k, k, k] says so.

    `counts` are the voxels of each object: all objects of a batch count alike. Distances are in truncations, cut off
    at 1; beyond that an answer is only told its side.
    """
    error = (answer.distance.clamp(-1, 1) - truth.distance).abs().flatten(1).mean(dim=1)
    inside = (truth.distance < 0).float()
    side = functional.binary_cross_entropy_with_logits(-_SLOPE * answer.distance, inside, reduction="none")
    counted = near.flatten(1).float()
    colour = (answer.colours - truth.colours).abs().mean(dim=-1).flatten(1)
    return {
        "distance": weights.distance * _mean(error, counts),
        "side": weights.side * _mean(side.flatten(1).mean(dim=1), counts),
        "colour": weights.colour * _mean((colour * counted).sum(dim=1), counts, counted.sum(dim=1)),
    }


def _mean(values: Tensor, counts: tuple[int, ...], amounts: Tensor | None = None) -> Tensor:
    """Mean over objects of the means of values [N] over their voxels, or of sums by amounts [N]."""
    amounts = torch.ones_like(values) if amounts is None else amounts
    parts = zip(values.split(counts), amounts.split(counts), strict=True)
    return torch.stack([value.sum() / amount.sum().clamp(min=1) for value, amount in parts]).mean()
