"""Learning from what was chosen and what was rejected."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class PairErrors(NamedTuple):
    """Mean squared errors [B] of velocities, of one network."""

    chosen: Tensor
    rejected: Tensor


def preference_loss(trained: PairErrors, reference: PairErrors, beta: float) -> Tensor:
    """-log sigmoid(-beta * difference), mean over pairs (Wallace et al. 2023, arXiv 2311.12908, for flow matching).

    The difference is how much more the trained network errs than the reference on the chosen, less the same on the
    rejected. `beta` holds the number of time steps and the weight of the time in it.
    """
    chosen, rejected = trained.chosen - reference.chosen, trained.rejected - reference.rejected
    return -functional.logsigmoid(-beta * (chosen - rejected)).mean()


def implicit_accuracy(trained: PairErrors, reference: PairErrors) -> Tensor:
    """Share of pairs in which the trained network, against the reference, favours the chosen one."""
    with torch.no_grad():
        return ((trained.chosen - reference.chosen) < (trained.rejected - reference.rejected)).float().mean()
