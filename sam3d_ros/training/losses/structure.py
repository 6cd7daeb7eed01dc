"""How far a predicted shape is from the true one: occupancy and signed distance on a grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class StructureWeights:
    """Share of each term; 0 leaves it out of the sum."""

    occupancy: float = 1.0  # binary cross entropy
    dice: float = 1.0  # soft Dice: what is occupied is rare
    distance: float = 2.0  # absolute difference of signed distances, which tells thin walls
    divergence: float = 1e-3


def structure_losses(
    logits: Tensor,
    distance: Tensor | None,
    truth: Mapping[str, Tensor],
    weights: StructureWeights,
    shares: Tensor | None = None,
) -> dict[str, Tensor]:
    """Weighted terms of logits and distance [B, 1, R, R, R] against `truth["occupancy"]` and `truth["distance"]`.

    Terms are means over batch entries, so that a batch in two halves has the mean of their losses. `shares` [B] weigh
    the entries: one with 0 has no say, and the mean is still over all.
    """
    occupied = truth["occupancy"].float()
    entropy = functional.binary_cross_entropy_with_logits(logits, occupied, reduction="none")
    terms = {
        "occupancy": weights.occupancy * _mean(entropy.flatten(1).mean(dim=1), shares),
        "dice": weights.dice * _mean(soft_dice(logits, occupied), shares),
    }
    if distance is not None:
        difference = (distance - truth["distance"].float()).abs()
        terms["distance"] = weights.distance * _mean(difference.flatten(1).mean(dim=1), shares)
    return terms


def soft_dice(logits: Tensor, occupied: Tensor) -> Tensor:
    """1 - 2 |A and B| / (|A| + |B|) [B] of probabilities, of each object."""
    probability = logits.sigmoid().flatten(1)
    occupied = occupied.flatten(1)
    common = (probability * occupied).sum(dim=1)
    return 1 - (2 * common + 1) / (probability.sum(dim=1) + occupied.sum(dim=1) + 1)


def _mean(errors: Tensor, shares: Tensor | None) -> Tensor:
    """Of entries [B], each weighed by its share."""
    return errors.mean() if shares is None else (shares * errors).mean()
