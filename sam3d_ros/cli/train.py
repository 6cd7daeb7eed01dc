"""`sam3d-ros train`: the stages of training, each resumable, within a budget of time."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import UsageError

STAGES = {
    "structure": "the latent of shapes: occupancy and signed distance to tokens and back",
    "geometry": "coarse shape and layout from views: regression first, then a flow",
}
DATA, ALL = "data", "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One stage a call, or the data."""
    stages = parser.add_subparsers(dest="stage", metavar="STAGE", required=True)
    # Its options are those of the data's own command: here nothing is an option.
    data = stages.add_parser(DATA, help="make objects and views to train on", add_help=False, prefix_chars="\0")
    data.add_argument("arguments", nargs="*")
    for name, purpose in {**STAGES, ALL: "all stages that are not finished, in order"}.items():
        stage = stages.add_parser(name, help=purpose, description=purpose)
        if name != ALL:
            stage.add_argument("--config", type=Path, metavar="YAML", help="settings (default: as in config/training)")
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
    from ..training.engine.errors import TrainingError

    try:
        _train(arguments)
    except TrainingError as error:
        raise UsageError(" ".join(str(error).split())) from error
    return 0


def _train(arguments: argparse.Namespace) -> None:
    from ..training.engine.budget import Budget, seconds_of
    from ..training.stages.geometry_run import train_geometry
    from ..training.stages.results import is_finished
    from ..training.stages.structure_run import RunPlace, train_structure

    functions = {"structure": train_structure, "geometry": train_geometry}
    budget = Budget(None if arguments.budget is None else seconds_of(arguments.budget))
    changes = dict(map(_change, arguments.set))
    config = getattr(arguments, "config", None)
    for name in STAGES if arguments.stage == ALL else (arguments.stage,):
        if is_finished(arguments.runs / name):
            print(f"{name}: finished already; remove {arguments.runs / name} to train it anew")
            continue
        outcome = functions[name](RunPlace(config, arguments.data, arguments.runs, changes), budget)
        state = "finished" if outcome.finished else "stopped; the same command goes on"
        speed = f"{outcome.samples_per_second:.1f} samples/s"
        print(f"{name}: {state} at step {outcome.step}, {speed}, in {arguments.runs / name}")
        if not outcome.finished:
            return


def _make_data(arguments: list[str]) -> int:
    from ..training.data.build import main

    return main(arguments)


def _change(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text!r}; write NAME=VALUE, e.g. run.batch=32")
    return name, value
