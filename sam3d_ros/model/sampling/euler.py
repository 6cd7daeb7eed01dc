"""Euler's method for flow matching, with classifier-free guidance in the first part of the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor

from ..config import SamplerConfig
from .grid import time_grid

TIME_SCALE = 1000.0  # the networks see 1000 t and 1000 d


class Velocity(Protocol):
    """A velocity field under a condition, and without it."""

    def __call__(
        self, state: Mapping[str, Tensor], time: Tensor, step_size: Tensor, conditional: bool, /
    ) -> Mapping[str, Tensor]:
        """d state / d t at `time` [1] = 1000 t; `step_size` [1] is 1000 d, 0 where the sampler tells none."""


def integrate(
    velocity: Velocity,
    noise: Mapping[str, Tensor],
    config: SamplerConfig,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], None] | None = None,
) -> dict[str, Tensor]:
    """The data that a velocity field leads to from noise: float32 tensors without gradient, under the noise's names.

    `cancelled` is called before each step and stops the integration by raising; `progress` hears after each step how
    many are done of how many. Raises ValueError for a grid that `time_grid` refuses.
    """
    state = {name: x.float() for name, x in noise.items()}
    grid = time_grid(config.steps, config.rescale_t)
    device = next(iter(state.values())).device
    times = torch.tensor([TIME_SCALE * t for t in grid], device=device)  # [steps + 1] float32
    step_size = torch.full((1,), TIME_SCALE / config.steps if config.use_step_size else 0.0, device=device)
    for index in range(config.steps):
        if cancelled is not None:
            cancelled()
        guidance = guidance_at(grid[index], config)
        with torch.no_grad():
            slope = _guided(velocity, state, (times[index : index + 1], step_size), guidance)
            state = {name: x + slope[name].float() * (grid[index + 1] - grid[index]) for name, x in state.items()}
        if progress is not None:
            progress(index + 1, config.steps)
    return state


def guidance_at(t: float, config: SamplerConfig) -> float:
    """Strength of the guidance at a time; both ends of the guided interval belong to it."""
    return config.guidance if 0 <= t <= config.guidance_until else 0.0


def _guided(
    velocity: Velocity, state: Mapping[str, Tensor], when: tuple[Tensor, Tensor], guidance: float
) -> Mapping[str, Tensor]:
    """(1 + s) v_conditional - s v_unconditional for every entry; without guidance the second pass is left out."""
    conditional = velocity(state, *when, True)
    if guidance == 0:
        return conditional
    unconditional = velocity(state, *when, False)
    return {name: (1 + guidance) * v - guidance * unconditional[name] for name, v in conditional.items()}
