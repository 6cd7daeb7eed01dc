"""Pretraining on isolated objects, and mid-training on all kinds of scenes: one objective, other views."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from ...model.structure import latent_sizes
from ..data.arranging import SceneKind
from ..engine.budget import Budget
from ..engine.settings import OptimiserSettings, RunSettings, read_settings
from ..engine.trainer import Outcome, Trainer
from .conditioned import ConditionedGeometry, load_geometry, settings_of_start
from .geometry import GeometrySettings, PrepareGeometry, Spread
from .results import is_finished
from .sampled import Measured
from .structure_run import RunPlace, load_structure, train_structure
from .workplace import SomeViews, Workplace, note_start

PRETRAIN, MIDTRAIN, STRUCTURE = "pretrain", "midtrain", "structure"


def _pretrain_run() -> RunSettings:
    return RunSettings(steps=360, batch=16, picture_every=100, optimiser=OptimiserSettings(warm_up=50, average=0.99))


def _midtrain_run() -> RunSettings:
    optimiser = OptimiserSettings(rate=4e-4, warm_up=20, average=0.99)
    return RunSettings(steps=240, batch=16, picture_every=100, optimiser=optimiser)


@dataclass(frozen=True, slots=True)
class PretrainSettings(GeometrySettings):
    """The geometry's settings, with a run of the size of pretraining."""

    run: RunSettings = field(default_factory=_pretrain_run)


@dataclass(frozen=True, slots=True)
class MidtrainSettings(GeometrySettings):
    """The geometry's settings, with a run of the size of mid-training, which takes up the flow where it was."""

    run: RunSettings = field(default_factory=_midtrain_run)
    spread: Spread = field(default_factory=lambda: Spread(begin=0.0, end=0.0))


def train_pretrain(place: RunPlace, budget: Budget) -> Outcome:
    """The structure stage where it is not finished, then isolated objects: regression first, the flow after.

    The settings are those of the geometry; the structure stage has its own. Raises TrainingError.
    """
    if not is_finished(place.runs / STRUCTURE):
        outcome = train_structure(RunPlace(None, place.data, place.runs, {}), budget)
        if not outcome.finished:
            return outcome
    settings: GeometrySettings = read_settings(place.config, PretrainSettings, place.changes)
    structure = load_structure(place.runs)
    work = Workplace.of(place, settings, settings.run)
    torch.manual_seed(settings.run.seed)
    return pretrain(work, ConditionedGeometry(settings, structure, work.data.read), budget)


def train_midtrain(place: RunPlace, budget: Budget, start: Path) -> Outcome:
    """All kinds of scenes, from the weights in `start`, whose sizes stay. Raises TrainingError."""
    given = read_settings(place.config, MidtrainSettings, place.changes)
    before = settings_of_start(start)
    settings = replace(given, embedder=before.embedder, geometry=before.geometry)
    return midtrain(Workplace.of(place, settings, settings.run), settings, budget, start)


def pretrain(work: Workplace, objective: ConditionedGeometry, budget: Budget) -> Outcome:
    """Views of isolated objects."""
    return _train(work, objective, (PRETRAIN, (SceneKind.ISOLATED,)), budget)


def midtrain(work: Workplace, settings: GeometrySettings, budget: Budget, start: Path) -> Outcome:
    """Views of all kinds, isolated ones among them."""
    note_start(work.runs / MIDTRAIN, start)
    objective = load_geometry(start, work.runs, ConditionedGeometry, work.data.read)
    objective.settings = settings
    return _train(work, objective, (MIDTRAIN, tuple(SceneKind)), budget)


def _train(
    work: Workplace, objective: ConditionedGeometry, what: tuple[str, tuple[SceneKind, ...]], budget: Budget
) -> Outcome:
    """Train a stage of this name on views of these kinds."""
    name, kinds = what
    settings, folder = objective.settings, work.runs / name
    views = SomeViews(work.data.train, tuple(work.views_of(*kinds).tolist()))
    prepare = PrepareGeometry(latent_sizes(settings.geometry), settings.spread, settings.mirrored)
    trainer = Trainer(work.stage(name, objective, views, prepare), settings.run, folder, work.fabric)
    outcome = trainer.run(budget)
    if outcome.finished:
        with trainer.average.applied(objective):
            work.leave(folder, objective, settings, Measured(name))
    return outcome
