"""The figures at the top of a report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ..scores.rows import Aggregate
from ..scores.tracks import TrackRow
from .figures import Figures

SummaryValue = str | int | float


def cards(figures: Figures, summary: Mapping[str, SummaryValue]) -> list[tuple[str, str]]:
    """Name and value of the figures at the top of the page: the caller's first, then what the records say."""
    counted: dict[str, SummaryValue] = {"frames": figures.frames, "objects": figures.objects}
    counted["masks rejected"] = len(figures.rejected)
    residuals = [1e3 * row.quality.residual_rms for row in figures.rows if np.isfinite(row.quality.residual_rms)]
    if residuals:
        counted["median depth residual"] = f"{np.median(residuals):.1f} mm"
    best = figures.overall()
    if best:
        counted |= {"true objects without result": f"{figures.missed} of {figures.true_objects}", **_truth_cards(best)}
    if figures.tracks:
        counted |= _track_cards(figures.tracks)
    if figures.failures:
        counted["runs that failed"] = len(figures.failures)
    return [(name, format_value(value)) for name, value in {**summary, **counted}.items()]


def _truth_cards(best: Aggregate) -> dict[str, SummaryValue]:
    """Of the figures that are known: a truth of boxes knows few."""
    mean = best.mean
    named = {
        "mean Chamfer distance": (f"{mean['chamfer_mm']:.1f} mm", mean["chamfer_mm"]),
        "F-score at 10 mm": (f"{100 * mean['f_10mm']:.0f} %", mean["f_10mm"]),
        "hidden surface within 10 mm": (f"{100 * mean['hidden_10mm']:.0f} %", mean["hidden_10mm"]),
        "ADD-S below 0.1 d": (f"{100 * mean['add_s_below_tenth']:.0f} %", mean["add_s_below_tenth"]),
        "box IoU": (f"{mean['box_iou']:.2f}", mean["box_iou"]),
        "median scale error": (f"{100 * best.scale_error:.1f} %", best.scale_error),
    }
    return {name: text for name, (text, value) in named.items() if math.isfinite(value)}


def _track_cards(tracks: Sequence[TrackRow]) -> dict[str, SummaryValue]:
    named: dict[str, SummaryValue] = {"identity switches": sum(row.switches for row in tracks)}
    for name, unit, values in (
        ("median jitter", "mm", [row.jitter_mm for row in tracks]),
        ("median jitter of rotation", "°", [row.jitter_deg for row in tracks]),
        ("median drift (95 %)", "mm", [row.drift_mm for row in tracks]),
    ):
        known = [value for value in values if math.isfinite(value)]
        if known:
            named[name] = f"{np.median(known):.2f} {unit}"
    return named


def format_value(value: SummaryValue) -> str:
    """A figure as people read it."""
    if isinstance(value, float):
        return "–" if not np.isfinite(value) else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)
