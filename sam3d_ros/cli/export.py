"""`sam3d-ros train export`: finished stages to a weights folder."""

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


def export(arguments: argparse.Namespace) -> int:
    """Write the folder and say what is in it. Raises UsageError where a stage is missing or nothing can be written."""
    from ..model.weights import WeightsError
    from ..training.engine.errors import TrainingError
    from ..training.stages.export import export_weights

    try:
        manifest = export_weights(
            arguments.runs,
            arguments.output,
            stage=arguments.trained,
            dtype=arguments.dtype,
            refined=not arguments.first_only,
        )
    except (TrainingError, WeightsError) as error:
        raise UsageError(" ".join(str(error).split())) from error
    size = sum(shard.bytes for shard in manifest.parts.values())
    print(f"{arguments.output}: {len(manifest.parts)} parts, {size / 1e6:.1f} MB, {manifest.dtype}; {manifest.origin}")
    return 0
