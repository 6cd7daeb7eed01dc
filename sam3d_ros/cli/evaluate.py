"""`sam3d-ros evaluate`: frames and bags against their ground truth, with a report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from ..replay.frames.frame_sources import FrameSource
from ..replay.runs.node_process import end_on_sigterm
from . import UsageError
from .evaluated_bags import add_bag_arguments, bag_tasks, check_bags
from .frame_arguments import (
    BAG_TRIANGLES,
    add_frame_arguments,
    check_model,
    check_output,
    found_sources,
    model_choice,
)
from .number_arguments import count
from .replay import INTERRUPTED

if TYPE_CHECKING:
    from ..replay.jobs import Outcome
    from ..replay.jobs.attempt import Executor
    from ..replay.runs.evaluation_run import EvaluationResult
    from ..replay.runs.evaluation_tasks import BagTask, FrameTask


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_frame_arguments(parser)
    parser.add_argument(
        "--pictures", type=count, default=100, metavar="N", help="frames with pictures, besides bags (default 100)"
    )
    add_bag_arguments(parser)
    _add_machines(parser)
    parser.add_argument(
        "--compare",
        type=Path,
        nargs=2,
        metavar=("A", "B"),
        help="compare two reports (report.json, or output folders of evaluate) instead of evaluating anything",
    )


def _add_machines(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("many frames and bags")
    group.add_argument(
        "--workers",
        type=count,
        metavar="N",
        help="processes that share the work (default 1; with --ray as many as the cluster has processors)",
    )
    group.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="share the work on a Ray cluster: HOST:PORT, ray://HOST:PORT, auto for the one that runs here, or local",
    )
    group.add_argument(
        "--gpus-per-worker",
        type=_share,
        default=0.0,
        metavar="X",
        help="with --ray: GPUs of each worker, or a share of one (default 0)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write a report, or with `--compare` a comparison of two.

    0 when every mask was answered, 1 when a mask was not or a bag or frame failed, 2 for bad input, 130 after Ctrl-C.
    """
    return _compare(arguments) if arguments.compare else _evaluate(arguments)


def _evaluate(arguments: argparse.Namespace) -> int:
    if not (arguments.frames or arguments.bop or arguments.bags):
        raise UsageError("no input; give --frames DIR for frame folders, --bop DIR for BOP scenes or --bags BAG")
    check_model(arguments)
    check_output(arguments.output)
    check_bags(arguments)
    sources = found_sources(arguments)
    _say_what_is_not_compared(sources)
    end_on_sigterm()
    # Open3D takes seconds to import; bad input is answered before.
    from ..replay.jobs import JobsError

    tasks = _tasks(arguments, sources)
    try:
        result = _run(arguments, tasks)
    except JobsError as error:
        raise UsageError(str(error)) from error
    except KeyboardInterrupt:
        print(f"\nsam3d-ros evaluate: interrupted; the same command goes on from {arguments.output}", file=sys.stderr)
        return INTERRUPTED
    return _status(result)


def _tasks(arguments: argparse.Namespace, sources: list[FrameSource]) -> list[FrameTask | BagTask]:
    from ..replay.report.page import pick_evenly
    from ..replay.runs.evaluation_tasks import FrameTask

    model = model_choice(arguments)
    shown = set(pick_evenly(len(sources), arguments.pictures))
    frames = [FrameTask(source, model, position in shown) for position, source in enumerate(sources)]
    return [*frames, *bag_tasks(arguments, model_choice(arguments, BAG_TRIANGLES))]


def _run(arguments: argparse.Namespace, tasks: list[FrameTask | BagTask]) -> EvaluationResult:
    from ..replay.runs.evaluation_run import run_evaluation

    title = "Evaluation of bags" if arguments.bags else "Evaluation of frames"
    with tqdm(total=len(tasks), desc="evaluate", file=sys.stderr, disable=not sys.stderr.isatty()) as bar:

        def on_done(outcome: Outcome) -> None:
            bar.update()
            if outcome.error:
                tqdm.write(f"sam3d-ros evaluate: {outcome.job.name} failed: {outcome.error}", file=sys.stderr)

        summary, executor = _summary(arguments), _executor(arguments)
        return run_evaluation(tasks, arguments.output, executor, title=title, summary=summary, on_done=on_done)


def _summary(arguments: argparse.Namespace) -> dict[str, str | int]:
    """Who answered; of what a node recorded neither backend nor seed is known."""
    recorded: dict[str, str | int] = {"answers of bags": "recorded"}
    computed: dict[str, str | int] = {"backend": arguments.backend, "seed": arguments.seed}
    if arguments.recorded is None or not arguments.bags:
        return computed
    return recorded | computed if arguments.frames or arguments.bop else recorded


def _executor(arguments: argparse.Namespace) -> Executor:
    from ..replay.jobs import InProcess, LocalProcesses, RayCluster

    if arguments.ray:
        return RayCluster(arguments.ray, arguments.workers, gpus_per_worker=arguments.gpus_per_worker)
    if arguments.gpus_per_worker:
        raise UsageError("--gpus-per-worker is for --ray; workers of this machine share the GPU of --device")
    workers = arguments.workers or 1
    return LocalProcesses(workers) if workers > 1 else InProcess()


def _compare(arguments: argparse.Namespace) -> int:
    if arguments.frames or arguments.bop or arguments.bags:
        raise UsageError("--compare reads two finished reports; leave out --frames, --bop and --bags")
    check_output(arguments.output)
    from ..replay.report.comparison import ReportError, compare_reports, read_report
    from ..replay.report.comparison_page import comparison_lines, write_comparison

    try:
        comparison = compare_reports(*(read_report(place) for place in arguments.compare))
    except ReportError as error:
        raise UsageError(str(error)) from error
    print("\n".join(comparison_lines(comparison)))
    print(write_comparison(arguments.output, comparison))
    return 0


def _say_what_is_not_compared(sources: list[FrameSource]) -> None:
    known = {source.name for source in sources if source.load_truth()}
    without = [source.name for source in sources if source.name not in known]
    if without:
        print(f"no truth (objects.json), pictures only: {', '.join(without)}", file=sys.stderr)
    unpaired = [source.name for source in sources if source.name in known and not source.has_mask]
    if unpaired:
        print(f"no mask.png, so nothing pairs with the ids of objects.json: {', '.join(unpaired)}", file=sys.stderr)


def _status(result: EvaluationResult) -> int:
    for part in result.parts:
        for note in part.notes:
            print(f"{part.name}: {note}", file=sys.stderr)
    unanswered = [name for part in result.parts for name in part.unanswered]
    if unanswered:
        print(f"sam3d-ros evaluate: masks of {', '.join(unanswered)} got no answer; a defect", file=sys.stderr)
    if result.failures:
        print(f"sam3d-ros evaluate: {len(result.failures)} failed, {len(result.parts)} in the report", file=sys.stderr)
    if result.page:
        print(result.page)
    return 1 if unanswered or result.failures else 0


def _share(text: str) -> float:
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"must be 0 or more, got {text}")
    return value
