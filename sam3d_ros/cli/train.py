"""`sam3d-ros train`: the stages of training, each resumable, within a budget of time."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from . import UsageError
from .train_export import add_export_arguments, add_restore_arguments, export, restore_stages

if TYPE_CHECKING:
    from ..training.engine.budget import Budget
    from ..training.engine.trainer import Outcome
    from ..training.stages.structure_run import RunPlace

STAGES = {
    "structure": "the latent of shapes: occupancy and signed distance to tokens and back",
    "geometry": "coarse shape and layout from views of all kinds at once: regression first, then a flow",
    "pretrain": "structure where it is missing, then geometry on isolated objects",
    "midtrain": "geometry on clutter, occlusion and camera-like scenes, from the weights of pretrain",
    "sft": "fine-tuning on the best of the model's own candidates, as a judge chooses them",
    "dpo": "preferences: the chosen candidate against the rejected one",
    "distill": "few steps: shortcut distillation from the frozen network of the stage before",
    "latents": "what lies in the voxels near a surface to structured latents and back: distances, colours, Gaussians",
    "refinement": "structured latents in the voxels of a finished geometry: regression first, then a flow",
}
FROM = ("midtrain", "sft", "dpo", "distill")  # stages that start from another one's geometry
DATA, ALL, EXPORT, RESTORE = "data", "all", "export", "restore"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One stage a call, or the data."""
    stages = parser.add_subparsers(dest="stage", metavar="STAGE", required=True)
    # Its options are those of the data's own command: here nothing is an option.
    data = stages.add_parser(DATA, help="make objects and views to train on", add_help=False, prefix_chars="\0")
    data.add_argument("arguments", nargs="*")
    add_export_arguments(stages.add_parser(EXPORT, help="write a weights folder from finished stages"))
    add_restore_arguments(stages.add_parser(RESTORE, help="make the stages of a weights folder again, to train on"))
    for name, purpose in {**STAGES, ALL: "all stages that are not finished, in order"}.items():
        stage = stages.add_parser(name, help=purpose, description=purpose)
        if name != ALL:
            stage.add_argument("--config", type=Path, metavar="YAML", help="settings (default: as in config/training)")
        if name in FROM:
            stage.add_argument(
                "--from",
                dest="start",
                type=Path,
                metavar="DIR",
                help="finished stage to start from (default: the one before)",
            )
        stage.add_argument("--data", type=Path, default=Path("runs/data"), metavar="DIR", help="(default runs/data)")
        stage.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="results (default runs)")
        stage.add_argument("--budget", metavar="TIME", help="stop after 90s, 20m, 2h, ...; the same call goes on later")
        stage.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting, e.g. run.batch=32"
        )


def run(arguments: argparse.Namespace) -> int:
    """Train a stage or all of them, or go on with it; 0 also when the budget ended it."""
    if arguments.stage == DATA:
        return _make_data(arguments.arguments)
    if arguments.stage == EXPORT:
        return export(arguments)
    if arguments.stage == RESTORE:
        return restore_stages(arguments)
    from ..training.engine.errors import TrainingError

    try:
        _train(arguments)
    except TrainingError as error:
        raise UsageError(" ".join(str(error).split())) from error
    return 0


def _train(arguments: argparse.Namespace) -> None:
    from ..training.engine.budget import Budget, seconds_of
    from ..training.stages.results import is_finished
    from ..training.stages.structure_run import RunPlace

    budget = Budget(None if arguments.budget is None else seconds_of(arguments.budget))
    changes = dict(map(_change, arguments.set))
    place = RunPlace(getattr(arguments, "config", None), arguments.data, arguments.runs, changes)
    if arguments.stage == ALL:
        _train_all(place, budget)
    elif is_finished(arguments.runs / arguments.stage):
        _say(arguments.stage, None, place)
    else:
        _say(arguments.stage, _train_stage(arguments.stage, place, budget, getattr(arguments, "start", None)), place)


def _train_stage(name: str, place: RunPlace, budget: Budget, start: Path | None) -> Outcome:
    from ..training.stages.chain import LINKS, start_of
    from ..training.stages.geometry_run import train_geometry

    if name == "geometry":
        return train_geometry(place, budget)
    link = next(link for link in LINKS if link.name == name)
    return link.train(place, budget, start or start_of(link, place.runs))


def _train_all(place: RunPlace, budget: Budget) -> None:
    from ..training.stages.chain import train_all, unfinished

    for name, outcome in train_all(place, budget):
        _say(name, outcome, place)
    if missing := unfinished(place.runs):
        print(f"not finished: {', '.join(missing)}; the same command goes on")


def _say(name: str, outcome: Outcome | None, place: RunPlace) -> None:
    from ..training.stages.results import is_finished

    folder = place.runs / name
    if outcome is None and not is_finished(folder):
        print(f"{name}: not needed, as geometry is finished in {place.runs}")
        return
    if outcome is None:
        print(f"{name}: finished already; remove {folder} to train it anew")
        return
    state = "finished" if outcome.finished else "stopped; the same command goes on"
    print(f"{name}: {state} at step {outcome.step}, {outcome.samples_per_second:.1f} samples/s, in {folder}")


def _make_data(arguments: list[str]) -> int:
    from ..training.data.build import main

    return main(arguments)


def _change(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text!r}; write NAME=VALUE, e.g. run.batch=32")
    return name, value
