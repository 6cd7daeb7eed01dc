"""`sam3d-ros train export` and `restore`: finished stages to a weights folder, and back to train on."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import UsageError
from .weights import DTYPES


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the runs lie, which of them, and where to write."""
    parser.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="results (default runs)")
    parser.add_argument("--output", type=Path, required=True, metavar="OUT", help="new folder")
    parser.add_argument(
        "--stage", dest="trained", metavar="NAME", help="whose geometry network (default: the last that is finished)"
    )
    parser.add_argument(
        "--first-only", action="store_true", help="leave the second stage out, also where it is finished"
    )
    parser.add_argument("--dtype", choices=DTYPES, default="float16", help="of the matrices (default float16)")


def add_restore_arguments(parser: argparse.ArgumentParser) -> None:
    """Which weights, and where their stages are to lie."""
    parser.add_argument("--weights", type=Path, required=True, metavar="DIR", help="folder that `export` wrote")
    parser.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="results (default runs)")


def restore_stages(arguments: argparse.Namespace) -> int:
    """Make the stages of a weights folder again and say what follows. Raises UsageError where that is impossible."""
    from ..model.weights import WeightsError
    from ..training.engine.errors import TrainingError
    from ..training.stages.restart import restore

    try:
        stage = restore(arguments.weights, arguments.runs)
    except (TrainingError, WeightsError) as error:
        raise UsageError(" ".join(str(error).split())) from error
    print(f"{arguments.runs}: structure and {stage}; go on e.g. with train midtrain --from {arguments.runs / stage}")
    return 0


def export(arguments: argparse.Namespace) -> int:
    """Write the folder and say what is in it. Raises UsageError where a stage is missing or nothing can be written."""
    from ..model.weights import WeightsError
    from ..training.engine.errors import TrainingError
    from ..training.stages.export import export_weights, last_finished
    from ..training.stages.restart import write_restart

    try:
        stage = arguments.trained or last_finished(arguments.runs)
        manifest = export_weights(
            arguments.runs,
            arguments.output,
            stage=stage,
            dtype=arguments.dtype,
            refined=not arguments.first_only,
        )
        write_restart(arguments.runs, stage, arguments.output)
    except (TrainingError, WeightsError) as error:
        raise UsageError(" ".join(str(error).split())) from error
    size = sum(shard.bytes for shard in manifest.parts.values())
    print(f"{arguments.output}: {len(manifest.parts)} parts, {size / 1e6:.1f} MB, {manifest.dtype}; {manifest.origin}")
    return 0
