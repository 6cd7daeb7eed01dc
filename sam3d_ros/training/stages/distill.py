"""Few steps: the geometry network learns to make in one step what its frozen teacher makes in several."""

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
from .conditioned import ConditionedGeometry
from .fields import truth_fields
from .flows import ShortcutBatch, StepSizes, settle_step_size, shortcut_errors
from .geometry import layout_of
from .mirror import MIRROR, mirrored

STEP = "step_size"  # [B] in a batch


def _run() -> RunSettings:
    optimiser = OptimiserSettings(rate=2e-4, warm_up=20, last_rate=0.05, average=0.99)
    return RunSettings(steps=192, batch=16, picture_every=100, log_every=8, optimiser=optimiser)


@dataclass(frozen=True, slots=True)
class DistillSettings:
    """Settings of this stage."""

    run: RunSettings = field(default_factory=_run)
    sizes: StepSizes = field(default_factory=StepSizes)
    mirrored: float = 0.5  # share of the samples that are seen as in a mirror


class ShortcutObjective(ConditionedGeometry):
    """Shortcuts of a frozen copy of the start, and the flow itself, told by a step size of 0."""

    sizes: StepSizes
    _teacher: tuple[GeometryNetwork]  # in a tuple, so that it is no part of what is trained and saved

    def begin(self, sizes: StepSizes) -> None:
        """Take the weights as they are now as the teacher, and make ready for being told step sizes."""
        self.sizes, self._teacher = sizes, (self.frozen_copy(),)
        settle_step_size(self.geometry)
        self.hold_inputs()

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weighted terms of a batch as `GeometryObjective` reads it, with `STEP`."""
        d = batch[STEP].float()
        batch = mirrored(self.read(batch))
        with torch.no_grad():
            data = {SHAPE: self.structure.latent(truth_fields(batch)), **layout_of(batch)}
            condition = self.condition(batch)
        noise = {name: batch[f"noise_{name}"].float() for name in data}
        student, teacher = self.flow(condition), self.flow(condition, self._teacher[0].to(d.device))
        drawn = ShortcutBatch(data, noise, batch["time"].float(), d)
        errors = shortcut_errors(student, teacher, drawn, self.sizes, self._known_weights(batch))
        return {"shortcut": (errors * (d > 0)).mean(), "flow": (errors * (d == 0)).mean()}

    def _known_weights(self, batch: Mapping[str, Tensor]) -> dict[str, float | Tensor]:
        """Of each latent; no layout is learnt of objects whose frame is not known."""
        known = batch["layout_known"].float()
        return {name: weight if name == SHAPE else weight * known for name, weight in self.weights().items()}


@dataclass(frozen=True, slots=True)
class PrepareShortcut:
    """Time, step size and noise of a sample, from the random numbers of its position."""

    latents: Mapping[str, tuple[int, int]]  # tokens and channels of each
    sizes: StepSizes
    mirrored: float = 0.0  # share of the samples

    def __call__(self, sample: Sample, rng: Generator, progress: float) -> Sample:
        """The sample with `time`, `STEP` and `noise_*`, and with `MIRROR` where samples are mirrored at all."""
        t, d = self.sizes.draw(rng)
        noise = {f"noise_{name}": rng.standard_normal(self.latents[name], np.float32) for name in sorted(self.latents)}
        drawn = {**sample, "time": np.float32(t), STEP: np.float32(d), **noise}
        return drawn if self.mirrored == 0 else drawn | {MIRROR: rng.random() < self.mirrored}
