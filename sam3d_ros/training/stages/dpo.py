"""Learning from pairs: of two results for a view, the one that was chosen should become the likelier one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from ...model.structure import SHAPE, GeometryNetwork
from ..engine.loading import Sample
from ..engine.settings import OptimiserSettings, RunSettings
from ..losses.preference import implicit_accuracy, preference_loss
from ..losses.shortcut import velocity_errors
from .candidates import CHOSEN, REJECTED, Proposing
from .conditioned import Condition, ConditionedGeometry
from .flows import Flow, Pair, preference_errors


def _run() -> RunSettings:
    optimiser = OptimiserSettings(rate=5e-6, warm_up=10, last_rate=0.1, decay=0.0, average=0.98)
    # In bfloat16 the rounding of two networks that hardly differ would be larger than their difference.
    return RunSettings(steps=64, batch=16, picture_every=50, log_every=8, precision="32-true", optimiser=optimiser)


@dataclass(frozen=True, slots=True)
class DpoSettings:
    """Settings of this stage."""

    run: RunSettings = field(default_factory=_run)
    proposing: Proposing = field(default_factory=Proposing)  # where the stage before left no candidates
    margin: float = 0.05  # of the judge's scores, between the chosen and the rejected
    beta: float = 500.0  # holds the number of time steps in it
    anchor: float = 0.5  # share of beta with which the error towards the chosen counts by itself
    held: float = 1.0  # weight of staying with the reference at t = 0
    least_time: float = 0.1  # of the pairs: at t = 0 both states of a pair are the same noise


class PreferenceObjective(ConditionedGeometry):
    """Preferences of shapes against a frozen copy of the start, which also holds the regression where it was."""

    dpo: DpoSettings
    _reference: tuple[GeometryNetwork]  # in a tuple, so that it is no part of what is trained and saved

    def begin(self, dpo: DpoSettings) -> None:
        """Take the weights as they are now as the reference."""
        self.dpo, self._reference = dpo, (self.frozen_copy(),)
        self.hold_inputs()

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weighted terms of a batch with `CHOSEN` and `REJECTED`, and the implicit accuracy, a mere figure."""
        chosen, rejected = ({SHAPE: batch[name].float()} for name in (CHOSEN, REJECTED))
        batch = self.read(batch)
        pair = Pair(chosen, rejected, {SHAPE: batch[f"noise_{SHAPE}"].float()}, batch["time"].float())
        with torch.no_grad():
            condition = self.condition(batch)
            reference = self.flow(condition, self._reference[0].to(pair.t.device))
            reference_errors = preference_errors(reference, pair)
        trained = self.flow(condition)
        errors = preference_errors(trained, pair)
        gain = reference_errors.chosen - errors.chosen
        return {
            "preference": preference_loss(errors, reference_errors, self.dpo.beta),
            # Differences alone are also gained by going away from both, off what the decoder knows.
            "anchor": -self.dpo.anchor * self.dpo.beta * gain.mean(),
            "held": self.dpo.held * self._moved(trained, reference, condition, batch),
            "accuracy": implicit_accuracy(errors, reference_errors),
            "chosen_gain": gain.mean().detach(),
            "rejected_gain": (reference_errors.rejected - errors.rejected).mean().detach(),
        }

    def _moved(self, trained: Flow, reference: Flow, condition: Condition, batch: Mapping[str, Tensor]) -> Tensor:
        """How far the regression of all latents has moved from that of the reference."""
        weights = self.weights()
        noise = {name: batch[f"noise_{name}"].float() for name in weights}
        start = condition.tokens.new_zeros(len(condition.tokens), dtype=torch.float32)
        with torch.no_grad():
            before = reference.velocity(noise, start, start)
        return velocity_errors(trained.velocity(noise, start, start), before, weights).mean()


@dataclass(frozen=True, slots=True)
class PreparePair:
    """The time of a pair and the noise of all latents, from the random numbers of its position."""

    sizes: Mapping[str, tuple[int, int]]  # tokens and channels of each latent
    least_time: float

    def __call__(self, sample: Sample, rng: Generator, progress: float) -> Sample:
        """The sample with `time` and `noise_*`."""
        noise = {f"noise_{name}": rng.standard_normal(self.sizes[name], np.float32) for name in sorted(self.sizes)}
        return {**sample, "time": np.float32(rng.uniform(self.least_time, 1.0)), **noise}
