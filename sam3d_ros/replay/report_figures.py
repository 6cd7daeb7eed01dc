"""The figures of a report: cards, latencies and the data of `report.json`."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .evaluation import Aggregate, ObjectRow, RejectedRow
from .results import FrameRecord, without_nan

SummaryValue = str | int | float


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one stage over all objects or frames that have it."""

    stage: str
    count: int
    p50_ms: float
    p95_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that a report counts."""

    frames: int
    measured_frames: int
    true_objects: int  # with a mask in a measured frame
    rows: tuple[ObjectRow, ...]
    rejected: tuple[RejectedRow, ...]
    latencies: tuple[Latency, ...]
    aggregates: tuple[Aggregate, ...]

    @property
    def objects(self) -> int:
        """Different objects: ids, not sightings."""
        return len({row.object_id for row in self.rows})

    @property
    def missed(self) -> int:
        """True objects with a mask in a measured frame that did not become objects."""
        return self.true_objects - sum(row.score is not None for row in self.rows)

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Rejection reasons with their count, the most frequent first."""
        return Counter(row.reason for row in self.rejected).most_common()

    def overall(self, method: str = "result") -> Aggregate | None:
        """Mean and median over all objects whose truth is known."""
        return next((table for table in self.aggregates if (table.group, table.method) == ("all", method)), None)

    def worst_first(self) -> list[ObjectRow]:
        """Objects with the largest error on top: by Chamfer distance where it is known, else by residual."""
        return sorted(self.rows, key=_badness, reverse=True)


def latencies(records: Sequence[FrameRecord]) -> tuple[Latency, ...]:
    """Latency by stage: of frames as a whole, then of their stages, then of the stages of objects."""
    frames = [{"frame, all together": record.wall_ms} for record in records]
    stages = [{f"frame: {name}": value for name, value in record.update.latency_ms.items()} for record in records]
    objects = [item.latency_ms for record in records for item in record.seen_objects()]
    named = [{f"object: {name}": value for name, value in stage.items()} for stage in objects]
    return tuple(_latencies([*frames, *stages, *named]))


def cards(figures: Figures, summary: Mapping[str, SummaryValue]) -> list[tuple[str, str]]:
    """Name and value of the figures at the top of the page: the caller's first, then what the records say."""
    counted: dict[str, SummaryValue] = {"frames": figures.frames, "objects": figures.objects}
    counted["masks rejected"] = len(figures.rejected)
    residuals = [1e3 * row.quality.residual_rms for row in figures.rows if np.isfinite(row.quality.residual_rms)]
    if residuals:
        counted["median depth residual"] = f"{np.median(residuals):.1f} mm"
    best = figures.overall()
    if best:
        counted |= {
            "true objects without result": f"{figures.missed} of {figures.true_objects}",
            "mean Chamfer distance": f"{best.mean['chamfer_mm']:.1f} mm",
            "F-score at 10 mm": f"{100 * best.mean['f_10mm']:.0f} %",
            "hidden surface within 10 mm": f"{100 * best.mean['hidden_10mm']:.0f} %",
            "ADD-S below 0.1 d": f"{100 * best.mean['add_s_below_tenth']:.0f} %",
        }
    return [(name, format_value(value)) for name, value in {**summary, **counted}.items()]


def format_value(value: SummaryValue) -> str:
    """A figure as people read it."""
    if isinstance(value, float):
        return "–" if not np.isfinite(value) else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)


def report_data(title: str, figures: Figures, summary: Mapping[str, SummaryValue]) -> dict[str, Any]:
    """What `report.json` holds; numbers that were not measured are null."""
    data = {
        "title": title,
        "summary": dict(summary),
        "frames": figures.frames,
        "objects": [_row_data(row) for row in figures.rows],
        "rejections": [dataclasses.asdict(row) for row in figures.rejected],
        "true_objects": figures.true_objects,
        "true_objects_without_result": figures.missed,
        "rejections_by_reason": dict(figures.reasons),
        "figures": [_aggregate_data(table) for table in figures.aggregates],
        "latency_ms": [dataclasses.asdict(latency) for latency in figures.latencies],
    }
    plain: dict[str, Any] = without_nan(data)
    return plain


def _badness(row: ObjectRow) -> tuple[bool, float]:
    if row.score:
        return True, row.score.chamfer_mm
    residual = row.quality.residual_rms
    return False, residual if np.isfinite(residual) else float("inf")


def _latencies(measured: Iterable[Mapping[str, float]]) -> Iterable[Latency]:
    by_stage: dict[str, list[float]] = {}
    for stages in measured:
        for stage, value in stages.items():
            if np.isfinite(value):
                by_stage.setdefault(stage, []).append(value)
    for stage, values in by_stage.items():
        p50, p95 = (float(value) for value in np.quantile(values, [0.5, 0.95]))
        yield Latency(stage, len(values), p50, p95, max(values))


def _row_data(row: ObjectRow) -> dict[str, Any]:
    scores = {name: dataclasses.asdict(score) for name, score in row.baselines.items()}
    return {
        "frame": row.frame,
        "id": row.label,
        "object_id": row.object_id,
        "name": row.name,
        "category": row.category,
        "quality": dataclasses.asdict(row.quality),
        "extents_m": list(row.extents_m),
        "triangles": row.triangles,
        "latency_ms": dict(row.latency_ms),
        "score": row.figures or None,
        "baselines": scores,
    }


def _aggregate_data(table: Aggregate) -> dict[str, Any]:
    return {
        "group": table.group,
        "method": table.method,
        "count": table.count,
        "mean": dict(table.mean),
        "median": dict(table.median),
    }
