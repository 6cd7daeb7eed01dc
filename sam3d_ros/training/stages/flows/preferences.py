"""Preferences between two results of the same condition: errors of velocities for the loss of `losses/preference`."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...losses import interpolate
from ...losses.preference import PairErrors
from ...losses.shortcut import State, velocity_errors
from .conditioned import Flow


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A result that was chosen and one that was rejected, under the same noise at the same time."""

    chosen: State
    rejected: State
    noise: State
    t: Tensor  # [B] 0-1


def preference_errors(flow: Flow, pair: Pair) -> PairErrors:
    """Squared errors of the flow's velocities towards both results, weighted with `Flow.weight`."""
    return PairErrors(*(_errors(flow, data, pair) for data in (pair.chosen, pair.rejected)))


def _errors(flow: Flow, data: State, pair: Pair) -> Tensor:
    state = interpolate(data, pair.noise, pair.t, flow.rows)
    target = {name: x - pair.noise[name] for name, x in data.items()}
    answer = flow.velocity(state, pair.t, torch.zeros_like(pair.t))
    return flow.weight(pair.t) * velocity_errors(answer, target, dict.fromkeys(target, 1.0), flow.rows)
