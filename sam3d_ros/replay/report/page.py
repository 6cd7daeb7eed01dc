"""A report that opens from disk without network: pictures, figures, plots, reasons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..frames.results import FrameRecord
from ..scores.figure_terms import POSE_TERMS, SHAPE_TERMS, TRACK_TERMS
from .cards import SummaryValue, cards
from .data import report_data
from .figures import Failure, Figures
from .painting import LARGEST_ERROR_MM
from .part import Part, PartBuilder, Subject, View
from .pictures.colours import ramp_css
from .plots import draw_plots
from .tables import write_object_table, write_rejection_table, write_track_table


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
class PlacedPart:
    """A run whose pictures lie in a folder beside the page."""

    part: Part
    folder: str = ""  # relative to the page; empty: beside it

    @property
    def views(self) -> tuple[View, ...]:
        """Its frames, with pictures named relative to the page."""
        prefix = f"{self.folder}/" if self.folder else ""
        return tuple(_moved_view(view, prefix) for view in self.part.views)


def write_report(
    output: Path,
    records: Sequence[FrameRecord],
    *,
    title: str,
    summary: Mapping[str, SummaryValue],
    options: ReportOptions | None = None,
) -> Path:
    """Measure and paint the frames of one run and write the report of it; the path of the page.

    Frames that share objects are shown as a sequence: objects first, once each, then the frames.
    """
    options = options or ReportOptions()
    builder = PartBuilder("", output, baselines=options.baselines)
    known = [position for position, record in enumerate(records) if record.truth]
    measured = {known[at] for at in pick_evenly(len(known), options.measured_frames)}
    shown = set(pick_evenly(len(records), options.picture_frames))
    for position, record in enumerate(records):
        builder.add(record, measure=position in measured, show=position in shown)
    return write_page(output, [PlacedPart(builder.finish())], title=title, summary=summary)


def write_page(
    output: Path,
    placed: Sequence[PlacedPart],
    *,
    title: str,
    summary: Mapping[str, SummaryValue],
    failures: Sequence[Failure] = (),
) -> Path:
    """Write `report.html`, `report.json` and CSV tables of runs whose pictures are painted; the path of the page.

    `summary` becomes the cards at the top, in its order, before those that are worked out from the runs.
    """
    output.mkdir(parents=True, exist_ok=True)
    figures = Figures(tuple(item.part for item in placed), tuple(failures))
    data = report_data(title, figures, summary)
    (output / "report.json").write_text(json.dumps(data, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    write_object_table(output / "report.csv", figures.worst_first())
    write_rejection_table(output / "rejections.csv", figures.rejected)
    write_track_table(output / "tracks.csv", figures.tracks)
    page = output / "report.html"
    page.write_text(_page(title, figures, placed, summary), encoding="utf-8")
    return page


def pick_evenly(count: int, limit: int) -> list[int]:
    """At most `limit` positions out of `count`, evenly spread, with the first and the last among them."""
    if count <= limit:
        return list(range(count))
    return sorted({int(position) for position in np.rint(np.linspace(0, count - 1, limit))})


def _page(title: str, figures: Figures, placed: Sequence[PlacedPart], summary: Mapping[str, SummaryValue]) -> str:
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    values: dict[str, Any] = {
        "title": title,
        "figures": figures,
        "cards": cards(figures, summary),
        "rows": figures.worst_first(),
        "plots": draw_plots(figures),
        "sequences": [_Sequence.of(item) for item in placed if item.part.sequence],
        "views": [view for item in placed if not item.part.sequence for view in item.views],
        "shown_frames": sum(len(item.part.views) for item in placed),
        "has_truth": any(row.score for row in figures.rows),
        "has_baselines": any(row.baselines for row in figures.rows),
        "shape_terms": SHAPE_TERMS,
        "pose_terms": POSE_TERMS,
        "track_terms": TRACK_TERMS,
        "depth_ramp": ramp_css("depth"),
        "error_ramp": ramp_css("error"),
        "largest_error_mm": LARGEST_ERROR_MM,
    }
    return environment.get_template("report.html").render(values)


@dataclass(frozen=True, slots=True)
class _Sequence:
    """A run as the page shows it."""

    name: str
    part: Part
    views: tuple[View, ...]
    subjects: tuple[Subject, ...]  # by id

    @staticmethod
    def of(placed: PlacedPart) -> _Sequence:
        views = placed.views
        subjects = sorted((item for view in views for item in view.subjects), key=lambda item: item.row.object_id)
        return _Sequence(placed.part.name, placed.part, views, tuple(subjects))


def _moved_view(view: View, prefix: str) -> View:
    names = ("color", "depth", "masks", "meshes")
    pictures = replace(view.pictures, **{name: prefix + getattr(view.pictures, name) for name in names})
    return replace(view, pictures=pictures, subjects=tuple(_moved_subject(item, prefix) for item in view.subjects))


def _moved_subject(subject: Subject, prefix: str) -> Subject:
    given = {name: getattr(subject.pictures, name) for name in ("result", "truth", "error")}
    moved = {name: prefix + file for name, file in given.items() if file}
    return replace(subject, pictures=replace(subject.pictures, **moved))
