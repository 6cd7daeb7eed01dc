"""Fine-tuning on what was chosen, as a run: rounds of proposing, judging and training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...model.structure import latent_sizes
from ..data.arranging import SceneKind
from ..engine.budget import Budget
from ..engine.settings import read_settings
from ..engine.trainer import Outcome, Trainer
from .candidates import ChosenViews
from .conditioned import load_geometry, settings_of_start
from .geometry import PrepareGeometry
from .results import is_finished, write_result
from .sampled import Measured
from .sft import ChosenObjective, SftSettings
from .structure_run import RunPlace
from .workplace import STOPPED, Workplace, note_start

NAME = "sft"
CANDIDATES = "candidates"  # folder of a round


def train_sft(place: RunPlace, budget: Budget, start: Path) -> Outcome:
    """Train from the geometry in `start`, or go on; at the end write weights and figures. Raises TrainingError."""
    settings = read_settings(place.config, SftSettings, place.changes)
    work = Workplace.of(place, settings_of_start(start), settings.run)
    return sft_rounds(work, settings, budget, start)


def sft_rounds(work: Workplace, settings: SftSettings, budget: Budget, start: Path) -> Outcome:
    """All rounds that are not finished: what a round learnt proposes in the next."""
    folder, outcome, before = work.runs / NAME, STOPPED, start
    note_start(folder, start)
    views = work.views_of(SceneKind.CAMERA)
    order = np.random.default_rng(settings.proposing.seed).permutation(views)
    for number, threshold in enumerate(settings.thresholds):
        own = round_folder(folder, number)
        if not is_finished(own):
            chosen = np.take(
                order, np.arange(settings.proposing.views) + number * settings.proposing.views, mode="wrap"
            )
            numbers = np.unique(chosen).tolist()
            outcome = _round(work, settings, (own, before), numbers, threshold, budget)
            if not outcome.finished:
                return outcome
        before = own
    objective = load_geometry(before, work.runs, ChosenObjective, work.data.read).to(work.fabric.device)
    steps = settings.run.steps * len(settings.thresholds)
    told = replace(objective.settings, run=replace(settings.run, steps=steps))
    work.leave(folder, objective, told, Measured(NAME))
    return Outcome(steps, True, outcome.samples_per_second, steps)


def round_folder(folder: Path, number: int) -> Path:
    """Folder of a round, counted from 0."""
    return folder / f"round-{number + 1}"


def _round(
    work: Workplace,
    settings: SftSettings,
    folders: tuple[Path, Path],
    numbers: Sequence[int],
    threshold: float,
    budget: Budget,
) -> Outcome:
    """Propose for these views, choose, train; `folders` are that of the round and that of the one before."""
    own, before = folders
    objective = load_geometry(before, work.runs, ChosenObjective, work.data.read)
    candidates = work.candidates(own / CANDIDATES, objective, numbers, settings.proposing, budget)
    if candidates is None:
        return STOPPED
    chosen = ChosenViews.of(work.data.train, candidates, threshold, unsolved=settings.unsolved == "truth")
    scores = candidates.column("score")
    passed = (scores.max(axis=1) >= threshold).mean()
    print(f"{own.name}: the best of {scores.shape[1]} pass {threshold} for {passed:.0%} of {len(scores)} views")
    prepare = PrepareGeometry(latent_sizes(objective.settings.geometry), settings.spread)
    objective.hold_decoder()  # decoded candidates are targets, which must not follow what they teach
    trainer = Trainer(work.stage(NAME, objective, chosen, prepare), settings.run, own, work.fabric)
    outcome = trainer.run(budget)
    if outcome.finished and work.fabric.global_rank == 0:
        with trainer.average.applied(objective):
            write_result(own, objective, replace(objective.settings, run=settings.run))
    work.fabric.barrier()
    return outcome
