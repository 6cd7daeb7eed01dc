"""What `report.json` holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..frames.results import without_nan
from ..scores.rows import Aggregate, ObjectRow
from .cards import SummaryValue
from .figures import Figures
from .part import Part


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
        "dropped": figures.dropped,
        "figures": [_aggregate_data(table) for table in figures.aggregates],
        "latency_ms": [dataclasses.asdict(latency) for latency in figures.latencies],
        "tracks": [dataclasses.asdict(row) for row in figures.tracks],
        "runs": [_run_data(part) for part in figures.parts],
        "failures": [dataclasses.asdict(failure) for failure in figures.failures],
    }
    plain: dict[str, Any] = without_nan(data)
    return plain


def _row_data(row: ObjectRow) -> dict[str, Any]:
    scores = {name: dataclasses.asdict(score) for name, score in row.baselines.items()}
    return {
        "run": row.run,
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
        "scale_error": table.scale_error,
        "mean": dict(table.mean),
        "median": dict(table.median),
    }


def _run_data(part: Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "frames": part.frames,
        "measured_frames": part.measured_frames,
        "true_objects": part.true_objects,
        "sequence": part.sequence,
        **dataclasses.asdict(part.flow),
        "notes": list(part.notes),
    }
