"""`sam3d-ros reconstruct`: frames from files in, meshes and poses out."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..pipeline import Rejection
from ..replay.frames.frame_sources import FrameSource
from ..replay.frames.results import FrameRecord, ResultsError, check_results_folder, write_frame_results
from ..tracking.object_files import FORMATS, ObjectFileError, word_on_gaussians
from . import UsageError
from .frame_arguments import add_frame_arguments, checked_sources, loaded_tracker, progress_bar


@dataclass(frozen=True, slots=True)
class _Line:
    """What the terminal says of a frame."""

    name: str
    masks: int
    objects: int
    residual_mm: float  # median over the objects, NaN without any
    seconds: float
    rejections: tuple[Rejection, ...]
    unanswered: int

    @staticmethod
    def of(record: FrameRecord) -> _Line:
        residuals = [1e3 * item.quality.residual_rms for item in record.seen_objects()]
        measured = [value for value in residuals if np.isfinite(value)]
        return _Line(
            name=record.name,
            masks=len(record.frame.instance_labels()),
            objects=len(residuals),
            residual_mm=float(np.median(measured)) if measured else float("nan"),
            seconds=record.wall_ms / 1e3,
            rejections=record.update.rejections,
            unanswered=len(record.unanswered_labels()),
        )

    def cells(self) -> tuple[str, ...]:
        residual = "-" if np.isnan(self.residual_mm) else f"{self.residual_mm:.1f}"
        counts = (str(self.masks), str(self.objects), str(len(self.rejections)))
        return (self.name, *counts, residual, f"{self.seconds:.2f}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_frame_arguments(parser)
    parser.add_argument(
        "--format",
        type=_formats,
        default=(),
        metavar="LIST",
        help=f"files to write beside the PLY, separated by commas: {', '.join(FORMATS[1:])}",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write `OUT/<frame>/` for every frame; 0 when every mask was answered."""
    sources = checked_sources(arguments)
    _check_results(arguments.output, sources)
    tracker = loaded_tracker(arguments)
    from ..replay.runs.frame_run import run_frame

    records = []
    for source in progress_bar(sources, "reconstruct"):
        record = run_frame(tracker, source)
        _write(arguments, source, record)
        records.append(_Line.of(record))
    tracker.unload()
    _print_summary(records, arguments.output)
    unanswered = [line.name for line in records if line.unanswered]
    if unanswered:
        print(f"sam3d-ros reconstruct: masks of {', '.join(unanswered)} got no answer; a defect", file=sys.stderr)
    return 1 if unanswered else 0


def _formats(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is no mesh format; choose from {', '.join(FORMATS)}")
    return names


def _check_results(output: Path, sources: list[FrameSource]) -> None:
    try:
        for source in sources:
            check_results_folder(output / source.name)
    except ResultsError as error:
        raise UsageError(str(error)) from error


def _write(arguments: argparse.Namespace, source: FrameSource, record: FrameRecord) -> None:
    masks_found = not source.has_mask
    try:
        folder = write_frame_results(arguments.output, record, formats=arguments.format, write_mask=masks_found)
    except ObjectFileError as error:
        raise UsageError(f"{source.name}: {error}") from error
    if word := word_on_gaussians(record.seen_objects(), arguments.format):
        tqdm.write(f"{source.name}: {word}")
    if masks_found:
        count = len(record.frame.instance_labels())
        tqdm.write(f"{source.folder}: no mask.png; {count} objects found on the support plane, see {folder}/mask.png")


def _print_summary(lines: list[_Line], output: Path) -> None:
    rejected = [(line.name, item) for line in lines for item in line.rejections]
    for name, item in rejected:
        print(f"{name}: mask {item.label} rejected, {item.reason.value}: {item.detail}")
    header = ("frame", "masks", "objects", "rejected", "residual mm", "seconds")
    print(_table([header, *(line.cells() for line in lines)]))
    print(f"{sum(line.objects for line in lines)} objects, {len(rejected)} rejections written to {output}")


def _table(rows: list[tuple[str, ...]]) -> str:
    """Columns of text: the first to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        row[0].ljust(widths[0]) + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    )
