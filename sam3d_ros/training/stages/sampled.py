"""Figures of a geometry network on views that are held out: few steps, many steps, the best of several candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import default_collate
from tqdm import tqdm

from ...model.config import SamplerConfig
from ...model.structure import SHAPE, latent_sizes
from ..engine.loading import Samples
from ..engine.positions import rng_at
from .candidates import Proposing, TruthJudge, Verdict, propose
from .conditioned import ConditionedGeometry
from .fields import truth_fields
from .geometry import PrepareGeometry, Spread
from .measure import ShapeFigures, batch_figures, measured_numbers, write_figures
from .pictures import slices
from .structure_run import FIGURES

FEW = 8  # steps, up to which a distilled network is told its step size
_MEASURED = 128  # views
_CANDIDATES = Proposing(views=32, candidates=8)
_PICTURED = 8


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured once a stage is finished."""

    stage: str
    steps: tuple[int, ...] = (1, 4, 25)  # 1 is the regression, unless step sizes are told
    tells_steps: bool = False  # whether the network was distilled


def write_all(folder: Path, objective: ConditionedGeometry, held_out: Samples, measured: Measured) -> None:
    """Figures of samples of so many steps, and of the best of several candidates, as JSON beside the weights.

    What a call that was killed has written already stays.
    """
    samplers = {f"{steps}-steps": _sampler(steps, measured.tells_steps) for steps in measured.steps}
    if measured.tells_steps:
        samplers["regression"] = _sampler(1, False)
    for name, sampler in samplers.items():
        own = partial(sampled, objective, held_out, sampler)
        _write(folder / f"{name}-{FIGURES}", own, measured.stage, sampler.steps)
    best = partial(best_figures, objective, held_out)
    _write(folder / f"best-of-{_CANDIDATES.candidates}-{FIGURES}", best, measured.stage, _CANDIDATES.steps)


def sampled(objective: ConditionedGeometry, views: Samples, sampler: SamplerConfig) -> list[ShapeFigures]:
    """Of views spread over all that there are."""
    figures: list[ShapeFigures] = []
    for numbers in tqdm(measured_numbers(len(views), _MEASURED), desc=f"figures of {sampler.steps} steps"):
        batch = _batch(objective, views, numbers)
        with torch.no_grad():
            latent = objective.sample(batch, sampler)[SHAPE]
            figures += batch_figures(objective.structure.decode(latent), truth_fields(batch))
    return figures


def best_figures(objective: ConditionedGeometry, views: Samples) -> list[ShapeFigures]:
    """Of the candidate that the truth calls the best: what a perfect choice would be worth."""
    best: list[ShapeFigures] = []
    for numbers in tqdm(measured_numbers(len(views), _CANDIDATES.views), desc="figures of candidates"):
        judged = propose(objective, views, numbers, _CANDIDATES, TruthJudge())
        best += [_figures(max(verdicts, key=lambda one: one.score)) for verdicts in judged.verdicts]
    return best


def pictures(objective: ConditionedGeometry, views: Samples) -> dict[str, Tensor]:
    """Middle slices of shapes sampled in four steps: truth above, sample below."""
    batch = _batch(objective, views, range(min(_PICTURED, len(views))))
    sampler = SamplerConfig(steps=4, rescale_t=1.0, guidance=0.0)
    with torch.no_grad():
        decoded = objective.structure.decode(objective.sample(batch, sampler)[SHAPE])
    return {"occupancy": slices(truth_fields(batch)["occupancy"], decoded.logits.sigmoid())}


def _figures(verdict: Verdict) -> ShapeFigures:
    return ShapeFigures(verdict.iou, verdict.chamfer, verdict.f_score)


def _sampler(steps: int, tells_steps: bool) -> SamplerConfig:
    return SamplerConfig(steps=steps, rescale_t=1.0, guidance=0.0, use_step_size=tells_steps and steps <= FEW)


def _write(path: Path, figures: Callable[[], Sequence[ShapeFigures]], stage: str, steps: int) -> None:
    if not path.exists():
        unfinished = path.with_suffix(".partial")
        write_figures(unfinished, figures(), {"stage": stage, "steps": float(steps)})
        unfinished.replace(path)


def _batch(objective: ConditionedGeometry, views: Samples, numbers: Sequence[int]) -> Mapping[str, Tensor]:
    device = next(objective.parameters()).device
    prepare = PrepareGeometry(latent_sizes(objective.settings.geometry), Spread())
    batch = default_collate([prepare(views[number], rng_at(0, number), 1.0) for number in numbers])
    read: Mapping[str, Tensor] = objective.read({name: x.to(device) for name, x in batch.items()})
    return read
