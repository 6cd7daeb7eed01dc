"""The rows of a report as CSV, for spreadsheets and scripts: UTF-8, one header, empty cells for what is not known."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..scores.figure_terms import TERMS, TRACK_TERMS
from ..scores.rows import ObjectRow, RejectedRow
from ..scores.tracks import TrackRow

Cell = str | int | float

_QUALITY = (
    ("residual_rms", "residual_rms [m]"),
    ("inlier_ratio", "inlier_ratio [0-1]"),
    ("mask_iou", "mask_iou [0-1]"),
    ("free_space", "free_space [0-1]"),
    ("depth_points", "depth_points"),
    ("scale_source", "scale_source"),
)
# The unit is part of most names; a comparison in a spreadsheet should not have to guess the others.
_UNITS = {"mm": "mm", "px": "px", "°": "deg", "d": "true diameters", "": "1"}


def write_object_table(path: Path, rows: Sequence[ObjectRow]) -> None:
    """Write one line per object and frame: identity, size, agreement with the depth, figures, latency by stage."""
    stages = sorted({stage for row in rows for stage in row.latency_ms})
    _write(path, _header(stages), (_cells(row, stages) for row in rows))


def write_rejection_table(path: Path, rows: Iterable[RejectedRow]) -> None:
    """Write one line per mask without an object."""
    header = ("run", "frame", "mask", "name", "reason", "detail")
    _write(path, header, ((row.run, row.frame, row.label, row.name, row.reason, row.detail) for row in rows))


def write_track_table(path: Path, rows: Iterable[TrackRow]) -> None:
    """Write one line per object that lived through several frames."""
    counts = ("frames", "unseen", "meshes", "switches")
    header = [
        "run",
        "object",
        "name",
        "category",
        *counts,
        *(f"{term.name} [{_UNITS[term.unit]}]" for term in TRACK_TERMS),
    ]
    _write(path, header, (_track_cells(row, counts) for row in rows))


def _track_cells(row: TrackRow, counts: Sequence[str]) -> list[Cell]:
    identity = [row.run, row.object_id, row.name, row.category]
    return [*identity, *(getattr(row, name) for name in (*counts, *(term.name for term in TRACK_TERMS)))]


def _header(stages: Sequence[str]) -> list[str]:
    identity = ["run", "frame", "mask", "object", "name", "category", "triangles"]
    extents = [f"extent_{number} [m]" for number in (1, 2, 3)]
    figures = [f"{term.name} [{_UNITS[term.unit]}]" for term in TERMS]
    return [*identity, *extents, *(title for _, title in _QUALITY), *figures, *(f"{stage} [ms]" for stage in stages)]


def _cells(row: ObjectRow, stages: Sequence[str]) -> list[Cell]:
    nothing = float("nan")
    identity = [row.run, row.frame, row.label, row.object_id, row.name, row.category, row.triangles]
    quality = [getattr(row.quality, name) for name, _ in _QUALITY]
    figures = [row.figures.get(term.name, nothing) for term in TERMS]
    return [*identity, *row.extents_m, *quality, *figures, *(row.latency_ms.get(stage, nothing) for stage in stages)]


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([_text(cell) for cell in row] for row in rows)


def _text(cell: Cell) -> str:
    """Nine digits say a number as well as it was measured."""
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:.9g}" if math.isfinite(cell) else ""
