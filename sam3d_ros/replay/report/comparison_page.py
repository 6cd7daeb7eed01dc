"""A comparison of two reports as text, page and data."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..frames.results import without_nan
from ..scores.figure_terms import TERMS, TRACK_TERMS
from .comparison import ComparedFigure, Comparison

_HEAD = ("figure", "mean A", "mean B", "change", "median A", "median B", "better", "worse")


def comparison_lines(comparison: Comparison) -> list[str]:
    """The comparison as a table of text."""
    rows = [_HEAD, *(_row(figure) for figure in comparison.figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    table = [
        row[0].ljust(widths[0]) + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
    return [f"A: {comparison.a.path}", f"B: {comparison.b.path}", _counts(comparison), *table]


def write_comparison(output: Path, comparison: Comparison) -> Path:
    """Write `compare.html` and `compare.json` into a folder; the path of the page."""
    output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(without_nan(_data(comparison)), indent=1, allow_nan=False) + "\n"
    (output / "compare.json").write_text(text, encoding="utf-8")
    page = output / "compare.html"
    page.write_text(_page(comparison), encoding="utf-8")
    return page


def _page(comparison: Comparison) -> str:
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    values: dict[str, Any] = {
        "comparison": comparison,
        "counts": _counts(comparison),
        "head": _HEAD,
        "rows": [_row(figure) for figure in comparison.figures],
        "terms": [term for term in (*TERMS, *TRACK_TERMS) if term.meaning],
    }
    return environment.get_template("compare.html").render(values)


def _row(figure: ComparedFigure) -> tuple[str, ...]:
    digits = figure.term.digits + 1
    values = (figure.mean_a, figure.mean_b, figure.median_a, figure.median_b)
    mean_a, mean_b, median_a, median_b = (f"{value:.{digits}f}" for value in values)
    change = f"{figure.difference:+.{digits}f}"
    return (
        figure.term.title, mean_a, mean_b, change, median_a, median_b,
        f"{100 * figure.better:.0f} %", f"{100 * figure.worse:.0f} %",
    )  # fmt: skip


def _counts(comparison: Comparison) -> str:
    counts = (("in both", comparison.shared), ("only in A", comparison.only_a), ("only in B", comparison.only_b))
    return "objects " + ", ".join(f"{name}: {len(keys)}" for name, keys in counts)


def _data(comparison: Comparison) -> dict[str, Any]:
    return {
        "a": str(comparison.a.path),
        "b": str(comparison.b.path),
        "objects_in_both": len(comparison.shared),
        "only_in_a": [{"frame": frame, "id": label} for frame, label in comparison.only_a],
        "only_in_b": [{"frame": frame, "id": label} for frame, label in comparison.only_b],
        "figures": [_figure_data(figure) for figure in comparison.figures],
    }


def _figure_data(figure: ComparedFigure) -> dict[str, Any]:
    numbers = dataclasses.asdict(figure)
    del numbers["term"]
    names = {"name": figure.term.name, "unit": figure.term.unit, "good_is": figure.term.better}
    return names | numbers | {"difference": figure.difference}
