"""Arguments and checks that `reconstruct` and `evaluate` share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from ..pipeline.model_options import OptionsError
from ..replay.frames.frame_folder import FrameFolderError
from ..replay.frames.frame_sources import FrameSource, find_frames
from . import UsageError
from .model_arguments import add_model_arguments, model_options
from .number_arguments import count

if TYPE_CHECKING:
    from ..replay.runs.model_choice import ModelChoice
    from ..tracking.tracker import SceneTracker

FRAME_TRIANGLES = 20000  # files are looked at
BAG_TRIANGLES = 5000  # the node's triangle_budget


def add_frame_arguments(parser: argparse.ArgumentParser) -> None:
    """Input, output and model."""
    parser.add_argument(
        "--frames",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="frame folders (color.png or .jpg, depth.png, mask.png, intrinsics.json), or folders of frame folders",
    )
    parser.add_argument(
        "--bop",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="scene folders of a BOP dataset (scene_gt.json, scene_camera.json, rgb, depth, mask_visib)",
    )
    parser.add_argument(
        "--bop-models", type=Path, metavar="DIR", help="models of the BOP scenes (default: models/ of their dataset)"
    )
    parser.add_argument(
        "--bop-images", type=count, metavar="N", help="at most N images of each BOP scene, evenly (default all)"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="OUT", help="folder for the results")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of everything random (default 0)")
    parser.add_argument(
        "--triangles",
        type=int,
        metavar="N",
        help=f"most triangles per mesh (default {FRAME_TRIANGLES}; for bags {BAG_TRIANGLES}, as in the node)",
    )
    add_model_arguments(parser)


def checked_sources(arguments: argparse.Namespace) -> list[FrameSource]:
    """The frames of a run, after everything that can be wrong with the input has been looked at."""
    if not arguments.frames and not arguments.bop:
        raise UsageError("no input; give --frames DIR for frame folders or --bop DIR for scenes of a BOP dataset")
    check_model(arguments)
    check_output(arguments.output)
    return found_sources(arguments)


def found_sources(arguments: argparse.Namespace) -> list[FrameSource]:
    """The frames that were named, each looked at."""
    try:
        sources = find_frames(arguments.frames, arguments.bop, arguments.bop_models, bop_images=arguments.bop_images)
        for source in sources:
            source.check()
    except FrameFolderError as error:
        raise UsageError(str(error)) from error
    return sources


def model_choice(arguments: argparse.Namespace, triangles: int = FRAME_TRIANGLES) -> ModelChoice:
    """What was asked for, with `triangles` where no number was; raises UsageError where it cannot be used."""
    from ..replay.runs.model_choice import ModelChoice

    return ModelChoice(arguments.backend, arguments.seed, arguments.triangles or triangles, model_options(arguments))


def loaded_tracker(arguments: argparse.Namespace) -> SceneTracker:
    """A tracker with its model loaded; raises UsageError where the weights cannot be used."""
    # Open3D takes seconds to import; bad input is answered before.
    from ..replay.runs.frame_run import frame_tracker
    from ..replay.runs.model_choice import load_backend

    try:
        return frame_tracker(load_backend(model_choice(arguments)))
    except OptionsError as error:
        raise UsageError(str(error)) from error


def progress_bar(sources: Iterable[FrameSource], verb: str) -> Iterator[FrameSource]:
    """The frames one by one, with a bar on standard error where that is a terminal."""
    return iter(tqdm(list(sources), desc=verb, unit="frame", file=sys.stderr, disable=not sys.stderr.isatty()))


def check_model(arguments: argparse.Namespace) -> None:
    """Raise UsageError where the model cannot be used as asked."""
    model_options(arguments)
    if not 0 <= arguments.seed < 2**31:
        raise UsageError(f"--seed must lie in 0..{2**31 - 1}, got {arguments.seed}")
    if arguments.triangles is not None and arguments.triangles < 100:
        raise UsageError(f"--triangles must be 100 or more, got {arguments.triangles}")


def check_output(output: Path) -> None:
    """Raise UsageError where nothing can be written into this folder."""
    existing = next(path for path in (output, *output.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise UsageError(f"--output {output}: {existing} is a file; choose a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UsageError(f"--output {output}: no permission to write in {existing}")
