"""Few steps: the geometry network learns to make in one step what its frozen teacher makes in several, and to mend in
each step what its own steps before left."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from ...model.embedders import ConditionEmbedder
from ...model.sampling import TIME_SCALE
from ...model.structure import SHAPE, GeometryNetwork
from ..engine.loading import Sample
from ..engine.settings import OptimiserSettings, RunSettings
from ..losses import StructureWeights, interpolate, structure_losses
from ..losses.shortcut import State, shortcut_target, velocity_errors
from .conditioned import Condition, ConditionedGeometry
from .fields import BYTE_IMAGES, truth_fields
from .flows import OwnSteps, StepSizes, own_state, settle_step_size
from .geometry import OBSERVED, POINTMAPS, layout_of, observation_of, tokens_of
from .mirror import MIRROR, mirrored

STEP, OWN = "step_size", "own"  # [B] in a batch


def _run() -> RunSettings:
    optimiser = OptimiserSettings(rate=4e-4, warm_up=20, last_rate=0.02, average=0.99)
    return RunSettings(steps=192, batch=16, picture_every=100, log_every=8, optimiser=optimiser)


@dataclass(frozen=True, slots=True)
class DistillSettings:
    """Settings of this stage."""

    run: RunSettings = field(default_factory=_run)
    sizes: StepSizes = field(default_factory=lambda: StepSizes(flow=0.2))
    own: OwnSteps = field(default_factory=OwnSteps)
    decoded: StructureWeights = field(default_factory=lambda: StructureWeights(divergence=0.0))
    decoded_share: float = 0.5  # weight of the decoded shape beside that of the latent
    mirrored: float = 0.5  # share of the samples that are seen as in a mirror


class _Teacher(NamedTuple):
    """What the start was: it reads the inputs in its own way."""

    embedder: ConditionEmbedder
    geometry: GeometryNetwork


class FewStepObjective(ConditionedGeometry):
    """Three kinds of samples: shortcuts of the start, own steps towards the truth, and the flow, told a size of 0."""

    told: DistillSettings
    _teacher: tuple[_Teacher]  # in a tuple, so that it is no part of what is trained and saved

    def begin(self, settings: DistillSettings) -> None:
        """Take the weights as they are now as the teacher, and make ready for being told step sizes."""
        embedder = copy.deepcopy(self.embedder).requires_grad_(False).eval()
        self.told, self._teacher = settings, (_Teacher(embedder, self.frozen_copy()),)
        settle_step_size(self.geometry)

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weighted terms of a batch as `GeometryObjective` reads it, with `STEP` and `OWN`."""
        t, d, own = batch["time"].float(), batch[STEP].float(), batch[OWN]
        batch = mirrored(self.read(batch))
        truth = truth_fields(batch)
        with torch.no_grad():
            data = {SHAPE: self.structure.latent(truth), **layout_of(batch)}
        noise = {name: batch[f"noise_{name}"].float() for name in data}
        condition, state, target = self.condition(batch), interpolate(data, noise, t), dict(data)
        shortcut = (d > 0) & ~own
        self._start_where_own_steps_lead(state, noise, condition, (own, t, d))
        self._follow_teacher(target, state, batch, (shortcut, t, d))
        projected = self.geometry.project(condition.tokens)
        clean = self.geometry.predict(
            state, TIME_SCALE * t, projected, TIME_SCALE * d, observed=condition.observed
        )  # compared with data, not by velocities: those near t = 1 would count without bound
        errors = velocity_errors(clean, target, self._known_weights(batch))
        terms = {
            "shortcut": (errors * shortcut).mean(),
            "own": (errors * own).mean(),
            "flow": (errors * (d == 0)).mean(),
        }
        return terms | self._decoded_terms(clean[SHAPE], truth, (~shortcut).float())

    def _start_where_own_steps_lead(
        self, state: dict[str, Tensor], noise: State, condition: Condition, steps: tuple[Tensor, Tensor, Tensor]
    ) -> None:
        """Replace the states [B, L, C] of the samples that are chosen; `steps` are chosen, t and d, each [B]."""
        rows = torch.nonzero(steps[0]).flatten()
        t, d = (x[rows] for x in steps[1:])
        with torch.no_grad():
            led = own_state(lambda on: self.flow(condition.rows(rows[on])), rows_of(noise, rows), t, d)
        for name, x in led.items():
            state[name][rows] = x

    def _follow_teacher(
        self, target: dict[str, Tensor], state: State, batch: Mapping[str, Tensor], steps: tuple[Tensor, Tensor, Tensor]
    ) -> None:
        """Replace the data [B, L, C] of the samples that are chosen by those to which the teacher's steps point."""
        rows = torch.nonzero(steps[0]).flatten()
        if not len(rows):
            return
        t, d = (x[rows] for x in steps[1:])
        embedder, network = (part.to(t.device) for part in self._teacher[0])
        sizes, start = self.told.sizes, rows_of(state, rows)
        with torch.no_grad():
            seen = rows_of({name: batch[name] for name in (*BYTE_IMAGES, *POINTMAPS, OBSERVED)}, rows)
            condition = Condition(tokens_of(seen, embedder), observation_of(seen, network))
            field = self.flow(condition, network).teacher(sizes.guidance)
            means = shortcut_target(field, start, t, d / sizes.path, steps=sizes.path)
        for name, mean in means.items():
            target[name] = target[name].index_copy(0, rows, start[name] + (1 - t)[:, None, None] * mean)

    def _decoded_terms(self, latent: Tensor, truth: Mapping[str, Tensor], shares: Tensor) -> dict[str, Tensor]:
        """Terms of the decoded shapes; what follows the teacher has no share in them."""
        if self.told.decoded_share == 0:
            return {}
        fields = self.structure.decode(latent)
        terms = structure_losses(fields.logits, fields.distance, truth, self.told.decoded, shares)
        return {f"decoded_{name}": self.told.decoded_share * term for name, term in terms.items()}

    def _known_weights(self, batch: Mapping[str, Tensor]) -> dict[str, float | Tensor]:
        """Of each latent; no layout is learnt of objects whose frame is not known."""
        known = batch["layout_known"].float()
        return {name: weight if name == SHAPE else weight * known for name, weight in self.weights().items()}


@dataclass(frozen=True, slots=True)
class PrepareFewSteps:
    """Time, step size and noise of a sample, and where it starts, from the random numbers of its position."""

    latents: Mapping[str, tuple[int, int]]  # tokens and channels of each
    sizes: StepSizes
    own: OwnSteps
    mirrored: float = 0.0  # share of the samples

    def __call__(self, sample: Sample, rng: Generator, progress: float) -> Sample:
        """The sample with `time`, `STEP`, `OWN` and `noise_*`, and with `MIRROR` where samples are mirrored at all."""
        t, d = self.sizes.draw(rng)
        own = self.own.takes(d, float(rng.random()))
        noise = {f"noise_{name}": rng.standard_normal(self.latents[name], np.float32) for name in sorted(self.latents)}
        drawn = {**sample, "time": np.float32(t), STEP: np.float32(d), OWN: np.bool_(own), **noise}
        return drawn if self.mirrored == 0 else drawn | {MIRROR: rng.random() < self.mirrored}


def rows_of(tensors: State, rows: Tensor) -> dict[str, Tensor]:
    """Some entries of tensors [B, ...]."""
    return {name: x[rows] for name, x in tensors.items()}
