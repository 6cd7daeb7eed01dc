"""Rows of the benchmark summed up: means with confidence intervals, classes, ratios; as JSON and as markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from completion_measure import FIGURES, Figure, Row, values

_RESAMPLES = 2000
_LEVEL = 0.95


def summary(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """For each method, in order: figures with intervals, time, rejections, and the figures of each category."""
    return [_method(name, [row for row in rows if row.method == name]) for name in _in_order(r.method for r in rows)]


def interval(rows: Sequence[Row], key: str, *, seed: int = 0) -> dict[str, float]:
    """Mean of a figure and its 95 % interval: percentiles of the mean over scenes drawn with replacement.

    Scenes are drawn and not objects, because the objects of a scene share a camera and cover each other.
    """
    figure = values(rows, key)
    scenes = np.unique([row.scene for row in rows], return_inverse=True)[1]
    known = np.isfinite(figure)
    if not known.any():
        return {"mean": float("nan"), "low": float("nan"), "high": float("nan"), "median": float("nan")}
    count = scenes.max() + 1
    sums = np.bincount(scenes[known], figure[known], count)
    sizes = np.bincount(scenes[known], minlength=count)
    drawn = np.random.default_rng(seed).integers(count, size=(_RESAMPLES, count))
    totals, numbers = sums[drawn].sum(axis=1), sizes[drawn].sum(axis=1)
    means = totals[numbers > 0] / numbers[numbers > 0]
    low, high = np.quantile(means, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    middle = float(np.median(figure[known]))
    return {"mean": float(figure[known].mean()), "low": float(low), "high": float(high), "median": middle}


def ratios(table: Sequence[dict[str, Any]], fast: str, full: str) -> dict[str, float]:
    """Quality of the method `fast` as a share of that of `full`, for each figure; above 1 is better than it."""
    found = {entry["method"]: entry["figures"] for entry in table}
    return {figure.key: _ratio(figure, found[fast], found[full]) for figure in FIGURES}


def markdown(title: str, table: Sequence[dict[str, Any]]) -> str:
    """The tables of one set of scenes."""
    scenes = max((entry["scenes"] for entry in table), default=0)
    objects = max((entry["objects"] for entry in table), default=0)
    parts = [f"## {title}\n\n{scenes} scenes, {objects} objects.\n", main_table(table), time_table(table)]
    parts += [
        f"### {figure.title} by class\n\n{class_table(table, figure)}" for figure in FIGURES if figure.key != "closed"
    ]
    if rejected := [f"- {entry['method']}: {line}" for entry in table for line in entry["rejected"]]:
        parts.append("### Rejected\n\n" + "\n".join(rejected) + "\n")
    return "\n".join(parts)


def ratio_table(name: str, shares: dict[str, float]) -> str:
    """The ratios of two methods as a table."""
    titles = " | ".join(figure.title for figure in FIGURES)
    cells = " | ".join("" if np.isnan(v) else f"{100 * v:.1f} %" for v in (shares[f.key] for f in FIGURES))
    return f"| quality kept | {titles} |\n{_rule(len(FIGURES))}\n| {name} | {cells} |\n"


def _method(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    times = values(rows, "milliseconds")
    times = times[np.isfinite(times)]
    categories = sorted({row.category for row in rows})
    return {
        "method": name,
        "objects": len(rows),
        "scenes": len({row.scene for row in rows}),
        "figures": {figure.key: interval(rows, figure.key) for figure in FIGURES},
        "milliseconds": {
            "median": float(np.median(times)) if len(times) else float("nan"),
            "p95": float(np.quantile(times, 0.95)) if len(times) else float("nan"),
        },
        "rejected": [f"{row.scene} {row.name}: {row.rejected}" for row in rows if row.rejected],
        "classes": {name: _class([row for row in rows if row.category == name]) for name in categories},
    }


def _class(rows: Sequence[Row]) -> dict[str, Any]:
    return {"objects": len(rows), "figures": {figure.key: interval(rows, figure.key) for figure in FIGURES}}


def _ratio(figure: Figure, fast: dict[str, Any], full: dict[str, Any]) -> float:
    better, worse = fast[figure.key]["mean"], full[figure.key]["mean"]
    if not figure.higher_is_better:
        better, worse = worse, better
    return float(better / worse) if worse > 0 else float("nan")


def main_table(table: Sequence[dict[str, Any]]) -> str:
    """Every figure of every method with its interval."""
    lines = ["| method | " + " | ".join(figure.title for figure in FIGURES) + " | rejected |", _rule(len(FIGURES) + 1)]
    for entry in table:
        cells = " | ".join(_cell(entry["figures"][figure.key], figure) for figure in FIGURES)
        lines.append(f"| {entry['method']} | {cells} | {len(entry['rejected'])} |")
    return "\n".join(lines) + "\n"


def _cell(figure: dict[str, float], column: Figure) -> str:
    if np.isnan(figure["mean"]):
        return ""
    mean, low, high = (f"{figure[key]:.{column.digits}f}" for key in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"


def time_table(table: Sequence[dict[str, Any]]) -> str:
    """Median distance and time of every method."""
    lines = ["| method | Chamfer, median mm | time per object, median ms | 95th percentile ms |", _rule(3)]
    for entry in table:
        times, chamfer = entry["milliseconds"], entry["figures"]["chamfer_mm"]["median"]
        lines.append(f"| {entry['method']} | {chamfer:.2f} | {times['median']:.0f} | {times['p95']:.0f} |")
    return "\n".join(lines) + "\n"


def class_table(table: Sequence[dict[str, Any]], figure: Figure) -> str:
    """Means of one figure by class of object."""
    lines = ["| class | objects | " + " | ".join(entry["method"] for entry in table) + " |", _rule(len(table) + 1)]
    for category in sorted({name for entry in table for name in entry["classes"]}):
        found = [entry["classes"].get(category) for entry in table]
        count = next(item["objects"] for item in found if item)
        means = [item["figures"][figure.key]["mean"] if item else float("nan") for item in found]
        cells = " | ".join("" if np.isnan(mean) else f"{mean:.{figure.digits}f}" for mean in means)
        lines.append(f"| {category} | {count} | {cells} |")
    return "\n".join(lines) + "\n"


def _rule(numbers: int) -> str:
    return "|---" + "|---:" * numbers + "|"


def _in_order(names: Any) -> list[str]:
    return list(dict.fromkeys(names))
