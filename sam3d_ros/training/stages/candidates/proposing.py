"""Candidates for a view: what a geometry network proposes from different noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate

from ....model.config import SamplerConfig
from ....model.sampling import integrate
from ....model.structure import SHAPE, StructureFields, latent_sizes
from ...engine.errors import TrainingError
from ...engine.loading import Samples
from ..conditioned import Condition, ConditionedGeometry
from ..fields import truth_fields
from .judging import Judge, Question, Shape, Verdict


@dataclass(frozen=True, slots=True)
class Proposing:
    """How many views get how many candidates."""

    views: int = 192
    candidates: int = 4  # of a view; the first is the regression, which needs one step
    steps: int = 4  # of the others
    seed: int = 0  # of their noise and of the choice of the views

    def __post_init__(self) -> None:
        if self.candidates < 2:
            raise TrainingError(f"{self.candidates} candidates leave nothing to choose; take 2 or more")


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Candidates of some views, and what the judge says of them."""

    latents: Tensor  # [B, N, tokens, channels] of shapes
    verdicts: list[tuple[Verdict, ...]]


def propose(
    objective: ConditionedGeometry, samples: Samples, numbers: Sequence[int], proposing: Proposing, judge: Judge
) -> Judged:
    """Candidates for the views of these numbers, judged."""
    batch = _read(objective, samples, numbers)
    truth, verdicts = truth_fields(batch), []
    with torch.no_grad():
        latents = shape_candidates(objective, objective.condition(batch), numbers, proposing)
        for row, (number, own) in enumerate(zip(numbers, latents, strict=True)):
            candidates = _shapes(objective.structure.decode(own))
            verdicts.append(judge(Question(number, candidates, _shape(truth, row))))
    return Judged(latents, verdicts)


def shape_candidates(
    objective: ConditionedGeometry, condition: Condition, numbers: Sequence[int], proposing: Proposing
) -> Tensor:
    """Shape latents [B, N, tokens, channels]; noise is drawn for each view and candidate by itself."""
    size = latent_sizes(objective.settings.geometry)[SHAPE]
    noise = np.stack([_noise(number, size, proposing) for number in numbers])  # [B, N, tokens, channels]
    drawn = torch.from_numpy(noise).to(condition.tokens.device)
    regressed = _integrated(objective, condition, drawn[:, 0], 1)
    others = proposing.candidates - 1
    sampled = _integrated(objective, condition.repeated(others), drawn[:, 1:].flatten(0, 1), proposing.steps)
    return torch.cat([regressed[:, None], sampled.unflatten(0, (len(numbers), others))], dim=1)


def _read(objective: ConditionedGeometry, samples: Samples, numbers: Sequence[int]) -> Mapping[str, Tensor]:
    device = next(objective.parameters()).device
    with torch.autocast(device.type, enabled=False):  # under which arrays in half precision cannot be joined
        batch = default_collate([samples[number] for number in numbers])
        read: Mapping[str, Tensor] = objective.read({name: x.to(device) for name, x in batch.items()})
    return read


def _integrated(objective: ConditionedGeometry, condition: Condition, noise: Tensor, steps: int) -> Tensor:
    flow = objective.flow(condition, layout=False)
    sampler = SamplerConfig(steps=steps, rescale_t=1.0, guidance=0.0)
    return integrate(flow.field, {SHAPE: noise}, sampler)[SHAPE]


def _noise(number: int, size: tuple[int, int], proposing: Proposing) -> np.ndarray:
    rng = np.random.default_rng((proposing.seed, 4, number))
    return rng.standard_normal((proposing.candidates, *size), np.float32)


def _shapes(fields: StructureFields) -> tuple[Shape, ...]:
    distance = fields.logits.negative() if fields.distance is None else fields.distance
    arrays = (x[:, 0].float().cpu().numpy() for x in (fields.logits, distance))
    return tuple(Shape(*one) for one in zip(*arrays, strict=True))


def _shape(truth: Mapping[str, Tensor], row: int) -> Shape:
    occupancy, distance = (truth[name][row, 0].float().cpu().numpy() for name in ("occupancy", "distance"))
    return Shape(occupancy, distance)
