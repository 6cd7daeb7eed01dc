"""Shortcuts: what one long step of a flow should be, from two shorter ones (Frans et al. 2024, arXiv 2410.12557)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
from torch import Tensor

from .rows import DENSE, Rows

State: TypeAlias = Mapping[str, Tensor]
# Velocities of a state at times t [B] under step sizes d [B], both from 0 to 1.
Field: TypeAlias = Callable[[State, Tensor, Tensor], State]


def shortcut_target(
    teacher: Field, state: State, t: Tensor, d: Tensor, *, steps: int = 2, rows: Rows = DENSE
) -> dict[str, Tensor]:
    """The mean velocity over a step of `steps` d from t, by so many steps of d of a teacher, without gradient."""
    length = rows.spread(d)
    means = {name: torch.zeros_like(x) for name, x in state.items()}
    with torch.no_grad():
        for number in range(steps):
            slope = teacher(state, t + number * d, d)
            state = {name: x + length * slope[name] for name, x in state.items()}
            means = {name: mean + slope[name] / steps for name, mean in means.items()}
    return means


def guided(conditional: Field, unconditional: Field, strength: float) -> Field:
    """(1 + s) v_conditional - s v_unconditional: a teacher whose guidance is distilled with it."""

    def field(state: State, t: Tensor, d: Tensor) -> State:
        with_condition = conditional(state, t, d)
        if strength == 0:
            return with_condition
        without = unconditional(state, t, d)
        return {name: (1 + strength) * v - strength * without[name] for name, v in with_condition.items()}

    return field


def velocity_errors(answer: State, target: State, weights: Mapping[str, float | Tensor], rows: Rows = DENSE) -> Tensor:
    """Weighted sum over latents of mean squared errors, [B]; a weight may be one for each object, [B]."""
    errors = [weights[name] * rows.means((answer[name].float() - target[name]).square()) for name in target]
    return torch.stack(errors).sum(dim=0)
