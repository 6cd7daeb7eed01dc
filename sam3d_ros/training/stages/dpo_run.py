"""Learning from pairs, as a run: candidates of the stage before, or of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ...model.structure import latent_sizes
from ..data.arranging import SceneKind
from ..engine.budget import Budget
from ..engine.settings import read_settings
from ..engine.trainer import Outcome, Trainer
from .candidates import Candidates, Pairs, stored
from .conditioned import load_geometry, settings_of_start
from .dpo import DpoSettings, PreferenceObjective, PreparePair
from .sampled import Measured
from .sft_run import CANDIDATES
from .structure_run import RunPlace
from .workplace import STOPPED, Workplace, note_start

NAME = "dpo"


def train_dpo(place: RunPlace, budget: Budget, start: Path) -> Outcome:
    """Train from the geometry in `start`, or go on; at the end write weights and figures. Raises TrainingError."""
    settings = read_settings(place.config, DpoSettings, place.changes)
    work = Workplace.of(place, settings_of_start(start), settings.run)
    return dpo_pairs(work, settings, budget, start)


def dpo_pairs(work: Workplace, settings: DpoSettings, budget: Budget, start: Path) -> Outcome:
    """Pairs of candidates, then training on them."""
    folder = work.runs / NAME
    note_start(folder, start)
    objective = load_geometry(start, work.runs, PreferenceObjective, work.data.read)
    candidates = found_candidates(start) or _own_candidates(work, settings, objective, budget)
    if not candidates:
        return STOPPED
    pairs = Pairs.of(work.data.train, candidates, settings.margin)
    print(f"{NAME}: {len(pairs)} pairs of {sum(len(own.column('view')) for own in candidates)} views")
    objective.begin(settings)
    prepare = PreparePair(latent_sizes(objective.settings.geometry), settings.least_time)
    trainer = Trainer(work.stage(NAME, objective, pairs, prepare), settings.run, folder, work.fabric)
    outcome = trainer.run(budget)
    if outcome.finished:
        with trainer.average.applied(objective):
            work.leave(folder, objective, replace(objective.settings, run=settings.run), Measured(NAME))
    return outcome


def found_candidates(start: Path) -> tuple[Candidates, ...]:
    """The candidates that the rounds of the stage before left."""
    folders = sorted(path for path in start.glob(f"round-*/{CANDIDATES}") if stored(path))
    return tuple(Candidates(path) for path in folders)


def _own_candidates(
    work: Workplace, settings: DpoSettings, objective: PreferenceObjective, budget: Budget
) -> tuple[Candidates, ...]:
    """Those of the start itself; none if the budget ended it."""
    views = work.views_of(SceneKind.CAMERA)
    order = np.random.default_rng(settings.proposing.seed).permutation(views)
    numbers = np.sort(order[: settings.proposing.views]).tolist()
    made = work.candidates(work.runs / NAME / CANDIDATES, objective, numbers, settings.proposing, budget)
    return () if made is None else (made,)
