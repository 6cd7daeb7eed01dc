"""Fine-tuning on what was chosen: the best of the model's own candidates are its targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from ...model.structure import SHAPE
from ..engine.errors import TrainingError
from ..engine.settings import OptimiserSettings, RunSettings
from ..losses import interpolate, squared_error
from .candidates import HAS_TARGET, TARGET, Proposing
from .conditioned import ConditionedGeometry
from .fields import truth_fields
from .geometry import Spread, layout_of


def _run() -> RunSettings:
    optimiser = OptimiserSettings(rate=1e-4, warm_up=10, last_rate=0.1, average=0.98)
    return RunSettings(steps=64, batch=16, picture_every=50, log_every=8, optimiser=optimiser)


@dataclass(frozen=True, slots=True)
class SftSettings:
    """Settings of this stage; sizes and weights of terms are those of the stage before."""

    run: RunSettings = field(default_factory=_run)  # of each round
    proposing: Proposing = field(default_factory=Proposing)
    thresholds: tuple[float, ...] = (0.5, 0.6)  # of the judge's score, one for each round
    # Views of which no candidate passes: the truth is their target, as an artist's work would be; or leave them out.
    unsolved: Literal["truth", "leave_out"] = "truth"
    spread: Spread = field(default_factory=lambda: Spread(begin=0.0, end=0.0, flow=0.6))

    def __post_init__(self) -> None:
        if not self.thresholds or list(self.thresholds) != sorted(self.thresholds):
            raise TrainingError(f"thresholds {self.thresholds}; write one for each round, none below the one before")


class ChosenObjective(ConditionedGeometry):
    """The geometry objective with chosen shapes as targets; where the object lies is what the scene says."""

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weighted terms of a batch as `GeometryObjective` reads it, with `TARGET` and `HAS_TARGET`."""
        target, chosen = batch[TARGET], batch[HAS_TARGET] > 0
        batch = self.read(batch)
        data, fields = self._targets(batch, target, chosen)
        noise = {name: batch[f"noise_{name}"].float() for name in data}
        clean = self._predict(interpolate(data, noise, batch["time"].float()), batch)
        known = batch["layout_known"].float()
        terms = {SHAPE: squared_error(clean[SHAPE], data[SHAPE]).mean()}
        for name, weight in self._layout_weights().items():
            terms[name] = weight * (squared_error(clean[name], data[name]) * known).mean()
        if self.settings.decoded_share > 0:
            terms |= self._decoded(clean[SHAPE], fields)
        return terms

    def _targets(
        self, batch: Mapping[str, Tensor], target: Tensor, chosen: Tensor
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Latents, and the fields that belong to them: of what was chosen where something was, else of the truth."""
        truth = truth_fields(batch)
        with torch.no_grad():
            latent = torch.where(chosen[:, None, None], target.float(), self.structure.latent(truth))
            decoded = self.structure.decode(latent)
        fields = {"occupancy": (decoded.logits > 0).float(), "distance": decoded.distance}
        rows = chosen[:, None, None, None, None]
        # Without a decoded distance the objective asks for none.
        merged = {name: truth[name] if x is None else torch.where(rows, x, truth[name]) for name, x in fields.items()}
        return {SHAPE: latent, **layout_of(batch)}, merged
