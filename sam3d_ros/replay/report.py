"""A report that opens from disk without network: pictures, figures, reasons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..tracking import SceneObject
from .evaluation import ObjectRow, RejectedRow, aggregate, evaluate_record, rejected_rows
from .figure_terms import POSE_TERMS, SHAPE_TERMS
from .pictures.colours import label_color, ramp_css
from .report_figures import Figures, SummaryValue, cards, latencies, report_data
from .report_pictures import LARGEST_ERROR_MM, FramePictures, ObjectPictures, PictureFolder
from .report_tables import write_object_table, write_rejection_table
from .results import FrameRecord


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """How much a report shows. Frames are picked evenly; the first and the last are always among them."""

    picture_frames: int = 12  # at most so many frames get pictures; all get rows
    measured_frames: int = 12  # at most so many frames are compared with the truth
    baselines: bool = False  # also score the visible points and their convex hull

    def __post_init__(self) -> None:
        if self.picture_frames < 1 or self.measured_frames < 1:
            raise ValueError(f"a report shows and measures at least one frame, got {self}")


@dataclass(frozen=True, slots=True)
class _Subject:
    """One object with its pictures."""

    row: ObjectRow
    pictures: ObjectPictures
    color: str  # CSS
    size_cm: str


@dataclass(frozen=True, slots=True)
class _View:
    """One frame with its pictures."""

    name: str
    pictures: FramePictures
    objects: int
    rejected: tuple[RejectedRow, ...]
    wall_ms: float
    subjects: tuple[_Subject, ...]


def write_report(
    output: Path,
    records: Sequence[FrameRecord],
    *,
    title: str,
    summary: Mapping[str, SummaryValue],
    options: ReportOptions | None = None,
) -> Path:
    """Write `report.html`, `report.json`, two CSV tables and `pictures/` into a folder; the path of the page.

    `summary` becomes the cards at the top, in its order, before those that are worked out from the records. Frames that
    share objects are shown as a sequence: objects first, once each, then the frames.
    """
    options = options or ReportOptions()
    output.mkdir(parents=True, exist_ok=True)
    figures = _figures(records, options)
    data = report_data(title, figures, summary)
    (output / "report.json").write_text(json.dumps(data, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    write_object_table(output / "report.csv", figures.worst_first())
    write_rejection_table(output / "rejections.csv", figures.rejected)
    sequence = _is_sequence(records)
    views = _views(output, records, figures, options=options, sequence=sequence)
    page = output / "report.html"
    page.write_text(_page(title, figures, views, sequence=sequence, summary=summary), encoding="utf-8")
    return page


def pick_evenly(count: int, limit: int) -> list[int]:
    """At most `limit` positions out of `count`, evenly spread, with the first and the last among them."""
    if count <= limit:
        return list(range(count))
    return sorted({int(position) for position in np.rint(np.linspace(0, count - 1, limit))})


def _figures(records: Sequence[FrameRecord], options: ReportOptions) -> Figures:
    known = [position for position, record in enumerate(records) if record.truth]
    measured = {known[at] for at in pick_evenly(len(known), options.measured_frames)}
    rows = [
        row
        for position, record in enumerate(records)
        for row in evaluate_record(record, measure=position in measured, baselines=options.baselines)
    ]
    return Figures(
        frames=len(records),
        measured_frames=len(measured),
        true_objects=sum(_true_objects(records[position]) for position in measured),
        rows=tuple(rows),
        rejected=tuple(row for record in records for row in rejected_rows(record)),
        latencies=latencies(records),
        aggregates=tuple(aggregate(rows)),
    )


def _true_objects(record: FrameRecord) -> int:
    labels = set(record.frame.instance_labels())
    return sum(item.label in labels for item in record.truth)


def _is_sequence(records: Sequence[FrameRecord]) -> bool:
    """Whether an object is seen in more than one frame."""
    ids = [item.object_id for record in records for item in record.seen_objects()]
    return len(ids) > len(set(ids))


def _views(
    output: Path, records: Sequence[FrameRecord], figures: Figures, *, options: ReportOptions, sequence: bool
) -> list[_View]:
    shown = [records[position] for position in pick_evenly(len(records), options.picture_frames)]
    folder = PictureFolder(output)
    rows = {(row.frame, row.object_id): row for row in figures.rows}
    last_seen = {item.object_id: record.name for record in shown for item in record.seen_objects()}
    views = []
    for record in shown:
        items = [item for item in record.seen_objects() if not sequence or last_seen[item.object_id] == record.name]
        subjects = tuple(_subject(folder, record, item, rows[record.name, item.object_id]) for item in items)
        views.append(_view(folder, record, subjects))
    return views


def _subject(folder: PictureFolder, record: FrameRecord, item: SceneObject, row: ObjectRow) -> _Subject:
    red, green, blue = label_color(item.label)
    size = " × ".join(f"{100 * extent:.1f}" for extent in row.extents_m)
    return _Subject(row, folder.object(record, item), f"rgb({red} {green} {blue})", size)


def _view(folder: PictureFolder, record: FrameRecord, subjects: tuple[_Subject, ...]) -> _View:
    return _View(
        name=record.name,
        pictures=folder.frame(record),
        objects=len(record.seen_objects()),
        rejected=tuple(rejected_rows(record)),
        wall_ms=record.wall_ms,
        subjects=subjects,
    )


def _page(
    title: str, figures: Figures, views: Sequence[_View], *, sequence: bool, summary: Mapping[str, SummaryValue]
) -> str:
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    values: dict[str, Any] = {
        "title": title,
        "frames": figures.frames,
        "measured_frames": figures.measured_frames,
        "shown_frames": len(views),
        "figures": figures,
        "cards": cards(figures, summary),
        "rows": figures.worst_first(),
        "views": views,
        "sequence": sequence,
        "subjects": sorted((subject for view in views for subject in view.subjects), key=_object_id),
        "has_truth": any(row.score for row in figures.rows),
        "has_baselines": any(row.baselines for row in figures.rows),
        "shape_terms": SHAPE_TERMS,
        "pose_terms": POSE_TERMS,
        "depth_ramp": ramp_css("depth"),
        "error_ramp": ramp_css("error"),
        "largest_error_mm": LARGEST_ERROR_MM,
    }
    return environment.get_template("report.html").render(values)


def _object_id(subject: _Subject) -> int:
    return subject.row.object_id
