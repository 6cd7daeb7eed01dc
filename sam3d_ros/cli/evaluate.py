"""`sam3d-ros evaluate`: frames from files against their ground truth, with a report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..replay.frame_sources import FrameSource
from ..replay.results import FrameRecord
from . import UsageError
from .frame_arguments import add_frame_arguments, check_output, checked_sources, loaded_tracker, positive, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_frame_arguments(parser)
    parser.add_argument(
        "--pictures", type=positive, default=100, metavar="N", help="frames with pictures in the report (default 100)"
    )
    parser.add_argument(
        "--compare",
        type=Path,
        nargs=2,
        metavar=("A", "B"),
        help="compare two reports (report.json, or output folders of evaluate) instead of evaluating frames",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write a report, or with `--compare` a comparison of two; 0 when every mask was answered."""
    return _compare(arguments) if arguments.compare else _evaluate(arguments)


def _evaluate(arguments: argparse.Namespace) -> int:
    sources = checked_sources(arguments)
    # Open3D takes seconds to import; bad input is answered before.
    from ..replay.frame_run import run_frame
    from ..replay.report import ReportOptions, write_report

    tracker = loaded_tracker(arguments)
    records = [run_frame(tracker, source) for source in progress_bar(sources, "evaluate")]
    tracker.unload()
    _say_what_is_not_compared(sources)
    options = ReportOptions(picture_frames=arguments.pictures, measured_frames=len(records), baselines=True)
    print("painting the report ...", file=sys.stderr)
    summary = {"backend": arguments.backend, "seed": arguments.seed}
    page = write_report(arguments.output, records, title="Evaluation of frames", summary=summary, options=options)
    print(f"{page}")
    return _status(records)


def _compare(arguments: argparse.Namespace) -> int:
    if arguments.frames or arguments.bop:
        raise UsageError("--compare reads two finished reports; leave out --frames and --bop")
    check_output(arguments.output)
    from ..replay.comparison import ReportError, compare_reports, read_report
    from ..replay.comparison_report import comparison_lines, write_comparison

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


def _status(records: list[FrameRecord]) -> int:
    unanswered = [record.name for record in records if record.unanswered_labels()]
    if unanswered:
        print(f"sam3d-ros evaluate: masks of {', '.join(unanswered)} got no answer; a defect", file=sys.stderr)
    return 1 if unanswered else 0
