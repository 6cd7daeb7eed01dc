"""States that a student's own long steps lead to: where it stands when a sampler asks it for the next one.

Between true data and noise, where a flow is trained, a network never sees what its own errors have made of a state.
Along its own steps it does, and with the truth as the target each step mends what those before left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...losses.shortcut import State
from .conditioned import Flow


@dataclass(frozen=True, slots=True)
class OwnSteps:
    """Which samples start where the student's own steps lead, and compare with the truth."""

    share: float = 0.7  # of those that are told a step size; the others compare with the teacher
    most: int = 4  # steps of a whole way: shorter steps are only learnt from the teacher

    def takes(self, d: float, draw: float) -> bool:
        """Whether a sample of step size `d` is one of them; `draw` is a random number from 0 to 1."""
        return d > 0 and draw < self.share and round(1 / d) <= self.most


def own_state(flow_of: Callable[[Tensor], Flow], noise: State, t: Tensor, d: Tensor) -> dict[str, Tensor]:
    """Where steps of sizes d [B] lead from noise [B, L, C] until times t [B], multiples of d; no gradient.

    `flow_of` gives the flow of some of the entries, by their numbers.
    """
    state = {name: x.clone() for name, x in noise.items()}
    steps = (t / d).round()
    with torch.no_grad():
        for number in range(int(steps.max()) if len(steps) else 0):
            on = torch.nonzero(steps > number).flatten()
            size = d[on]
            slope = flow_of(on).velocity({name: x[on] for name, x in state.items()}, number * size, size)
            for name, x in state.items():
                x[on] += size[:, None, None] * slope[name].float()
    return state
