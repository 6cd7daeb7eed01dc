"""All stages in their order within one budget of time: each gets its share, and as many steps as fit into it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..engine.budget import Budget
from ..engine.trainer import Outcome
from .distill_run import train_distill
from .dpo import DpoSettings
from .dpo_run import train_dpo
from .kinds_run import train_midtrain, train_pretrain
from .latents_run import train_latents
from .refinement_run import train_refinement
from .results import is_finished
from .sft import SftSettings
from .sft_run import train_sft
from .structure_run import RunPlace, train_structure

PLAN = "all.json"  # what was decided of the stages that began: a call that goes on decides the same
TRIAL = 0.1  # share of a stage's time in which its speed is measured
TRAINING = 0.75  # share of a stage's time for its steps; the rest is for figures and candidates
NOMINAL = 600.0  # seconds in which two cores are through with fine-tuning, or with preferences, as they are by default
_LEAST = 10  # steps
_LONGEST_WARM_UP = 300  # steps


@dataclass(frozen=True, slots=True)
class Link:
    """One stage of the chain."""

    name: str
    share: float  # of the budget of the whole chain
    train: Callable[[RunPlace, Budget, Path], Outcome]
    after: tuple[str, ...] = ()  # stages whose result it can start from, the usual one first
    instead: str | None = None  # a stage whose result makes this one unnecessary
    sized: Callable[[float], dict[str, str]] | None = None  # settings for so many seconds, where no trial can tell


def _structure(place: RunPlace, budget: Budget, start: Path) -> Outcome:
    return train_structure(place, budget)


def _pretrain(place: RunPlace, budget: Budget, start: Path) -> Outcome:
    return train_pretrain(place, budget)


def _latents(place: RunPlace, budget: Budget, start: Path) -> Outcome:
    return train_latents(place, budget)


def _refinement(place: RunPlace, budget: Budget, start: Path) -> Outcome:
    return train_refinement(place, budget)


def _sized(settings: SftSettings | DpoSettings, seconds: float) -> dict[str, str]:
    """Fewer views and steps where there is less time than two cores need for all."""
    share = min(1.0, seconds / NOMINAL)
    steps, views = (max(_LEAST, int(number * share)) for number in (settings.run.steps, settings.proposing.views))
    return {**_shortened(steps, settings.run.optimiser.warm_up), "proposing.views": str(views)}


def _shortened(steps: int, warm_up: int = _LONGEST_WARM_UP) -> dict[str, str]:
    """So many steps, of which the rate rises over a tenth at most: in a short run it would not get to its height."""
    return {"run.steps": str(steps), "run.optimiser.warm_up": str(min(warm_up, max(1, steps // 10)))}


LINKS = (
    Link("structure", 0.10, _structure),
    Link("latents", 0.10, _latents),
    Link("pretrain", 0.22, _pretrain, instead="geometry"),
    Link("midtrain", 0.20, train_midtrain, ("pretrain",), instead="geometry"),
    Link("sft", 0.10, train_sft, ("midtrain", "geometry"), sized=lambda seconds: _sized(SftSettings(), seconds)),
    Link("dpo", 0.06, train_dpo, ("sft",), sized=lambda seconds: _sized(DpoSettings(), seconds)),
    Link("distill", 0.12, train_distill, ("dpo",)),
    Link("refinement", 0.10, _refinement),
)


def start_of(link: Link, runs: Path) -> Path:
    """The folder that a stage starts from: the first of its kind that is finished, else the usual one."""
    folders = [runs / name for name in link.after]
    return next((folder for folder in folders if is_finished(folder)), folders[0] if folders else runs)


def train_all(place: RunPlace, budget: Budget) -> Iterator[tuple[str, Outcome | None]]:
    """Name and outcome of each stage, None where it was finished before; ends with the first that is not finished.

    Raises TrainingError.
    """
    for number, link in enumerate(LINKS):
        if _is_done(link, place.runs):
            yield link.name, None
            continue
        left = budget.left
        open_shares = sum(other.share for other in LINKS[number:] if not _is_done(other, place.runs))
        seconds = None if left is None else left * link.share / open_shares
        outcome = _train(link, place, budget, seconds)
        yield link.name, outcome
        if not outcome.finished:
            return


def unfinished(runs: Path) -> list[str]:
    """Names of the stages that are not finished."""
    return [link.name for link in LINKS if not _is_done(link, runs)]


def _is_done(link: Link, runs: Path) -> bool:
    return is_finished(runs / link.name) or (link.instead is not None and is_finished(runs / link.instead))


def _train(link: Link, place: RunPlace, budget: Budget, seconds: float | None) -> Outcome:
    start, plan = start_of(link, place.runs), _read_plan(place.runs)
    if seconds is not None and link.name not in plan["changes"]:
        fitting = _steps_by_trial(link, place, seconds, start) if link.sized is None else link.sized(seconds)
        plan = {"changes": {**plan["changes"], link.name: fitting}}
        _write_plan(place.runs, plan)
    changes = {**plan["changes"].get(link.name, {}), **place.changes}
    return link.train(replace(place, changes=changes), budget, start)


def _steps_by_trial(link: Link, place: RunPlace, seconds: float, start: Path) -> dict[str, str]:
    """As many steps as fit into the seconds; the first of them are made here, to see how fast they are."""
    began = time.monotonic()
    trial = link.train(place, Budget(TRIAL * seconds), start)
    left = TRAINING * seconds - (time.monotonic() - began)
    fitting = trial.step + max(_LEAST, int(left * trial.steps_per_second))
    return _shortened(fitting) if trial.steps_per_second > 0 and fitting < trial.steps else {}


def _read_plan(runs: Path) -> dict[str, Any]:
    path = runs / PLAN
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"changes": {}}
    return found


def _write_plan(runs: Path, plan: Mapping[str, Any]) -> None:
    runs.mkdir(parents=True, exist_ok=True)
    partial = runs / f"{PLAN}.partial"
    partial.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
    partial.replace(runs / PLAN)
