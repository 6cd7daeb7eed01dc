"""Distillation to few steps, as a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...model.structure import latent_sizes
from ..engine.budget import Budget
from ..engine.settings import read_settings
from ..engine.trainer import Outcome, Trainer
from .conditioned import load_geometry, settings_of_start
from .distill import DistillSettings, FewStepObjective, PrepareFewSteps
from .sampled import Measured
from .structure_run import RunPlace
from .workplace import Workplace, note_start

NAME = "distill"
STEPS = (1, 2, 4, 25)  # with which held-out views are sampled


def train_distill(place: RunPlace, budget: Budget, start: Path) -> Outcome:
    """Train from the geometry in `start`, or go on; at the end write weights and figures. Raises TrainingError."""
    settings = read_settings(place.config, DistillSettings, place.changes)
    work = Workplace.of(place, settings_of_start(start), settings.run)
    return distill(work, settings, budget, start)


def distill(work: Workplace, settings: DistillSettings, budget: Budget, start: Path) -> Outcome:
    """The geometry in `start` as teacher and, at first, as student."""
    folder = work.runs / NAME
    note_start(folder, start)
    objective = load_geometry(start, work.runs, FewStepObjective, work.data.read)
    objective.begin(settings)
    sizes = latent_sizes(objective.settings.geometry)
    prepare = PrepareFewSteps(sizes, settings.sizes, settings.own, settings.mirrored)
    trainer = Trainer(work.stage(NAME, objective, work.data.train, prepare), settings.run, folder, work.fabric)
    outcome = trainer.run(budget)
    if outcome.finished:
        geometry = replace(objective.settings.geometry, step_size=True)
        told = replace(objective.settings, run=settings.run, geometry=geometry)
        with trainer.average.applied(objective):
            work.leave(folder, objective, told, Measured(NAME, STEPS, tells_steps=True))
    return outcome
