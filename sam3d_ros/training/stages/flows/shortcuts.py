"""Shortcut distillation from a frozen teacher: long steps that arrive where many short ones of the teacher do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from numpy.random import Generator
from torch import Tensor

from ...losses import interpolate
from ...losses.shortcut import State, shortcut_target, velocity_errors
from .conditioned import Flow


@dataclass(frozen=True, slots=True)
class StepSizes:
    """Which steps are distilled, and what keeps the flow."""

    steps: tuple[int, ...] = (1, 2, 4, 8)  # steps of a whole way: the step sizes are 1, 1/2, 1/4, 1/8
    path: int = 4  # steps of the teacher in one of the student's
    flow: float = 0.25  # share of samples at d = 0, which are ordinary flow matching
    at_zero: float = 0.3  # share of those at t = 0, the regression
    guidance: float = 0.0  # of the teacher, distilled with it

    def draw(self, rng: Generator) -> tuple[float, float]:
        """Time and step size of a sample; steps begin where those of a sampler of that step size do."""
        flows, regresses, t = rng.random() < self.flow, rng.random() < self.at_zero, rng.random()
        steps = int(rng.choice(self.steps))
        if flows:
            return (0.0 if regresses else float(t)), 0.0
        return int(t * steps) / steps, 1.0 / steps


@dataclass(frozen=True, slots=True, eq=False)
class ShortcutBatch:
    """Data and noise of a batch, and the steps that are made from between them."""

    data: State
    noise: State
    t: Tensor  # [B] 0-1
    d: Tensor  # [B] 0-1; 0: flow matching


def shortcut_errors(
    student: Flow, teacher: Flow, batch: ShortcutBatch, sizes: StepSizes, weights: Mapping[str, float | Tensor]
) -> Tensor:
    """Weighted squared errors [B] of the student, told t and d, against the teacher's mean velocity over d.

    Where d is 0 the target is that of flow matching, and the weights' [B] apply as they are.
    """
    rows = student.rows
    state = interpolate(batch.data, batch.noise, batch.t, rows)
    field = teacher.teacher(sizes.guidance)
    target = shortcut_target(field, state, batch.t, batch.d / sizes.path, steps=sizes.path, rows=rows)
    flows = rows.spread(batch.d) == 0
    target = {name: torch.where(flows, batch.data[name] - batch.noise[name], x) for name, x in target.items()}
    answer = student.velocity(state, batch.t, batch.d)
    return student.weight(batch.t) * velocity_errors(answer, target, weights, rows)
