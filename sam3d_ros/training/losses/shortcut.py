"""Shortcuts: what one long step of a flow should be, from two shorter ones (Frans et al. 2024, arXiv 2410.12557)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
from torch import Tensor

State: TypeAlias = Mapping[str, Tensor]
# Velocities of a state [B, L, C] at times t [B] under step sizes d [B], both from 0 to 1.
Field: TypeAlias = Callable[[State, Tensor, Tensor], State]


def shortcut_target(teacher: Field, state: State, t: Tensor, d: Tensor) -> dict[str, Tensor]:
    """The mean velocity over a step of 2 d from t, by two steps of d of a teacher, without gradient."""
    step = d[:, None, None]
    with torch.no_grad():
        first = teacher(state, t, d)
        halfway = {name: x + step * first[name] for name, x in state.items()}
        second = teacher(halfway, t + d, d)
        return {name: (first[name] + second[name]) / 2 for name in state}


def guided(conditional: Field, unconditional: Field, strength: float) -> Field:
    """(1 + s) v_conditional - s v_unconditional: a teacher whose guidance is distilled with it."""

    def field(state: State, t: Tensor, d: Tensor) -> State:
        with_condition = conditional(state, t, d)
        if strength == 0:
            return with_condition
        without = unconditional(state, t, d)
        return {name: (1 + strength) * v - strength * without[name] for name, v in with_condition.items()}

    return field


def velocity_errors(answer: State, target: State, weights: Mapping[str, float]) -> Tensor:
    """Weighted sum over latents of mean squared errors, [B]."""
    errors = [weights[name] * (answer[name].float() - target[name]).square().flatten(1).mean(dim=1) for name in target]
    return torch.stack(errors).sum(dim=0)
