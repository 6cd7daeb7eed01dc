"""Labels in the scene, and the tables of the panel as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..pipeline import Rejection
from ..tracking import ObjectState, SceneObject
from .shown import ShownFrame


def object_label(item: SceneObject) -> str:
    """Class, id and score of an object, and its state where it is not complete."""
    name = item.detection.class_id if item.detection else "object"
    parts = [f"{name} {item.object_id}"]
    if not math.isnan(item.quality.score):
        parts.append(f"{item.quality.score:.2f}")
    if item.state is not ObjectState.COMPLETE:
        parts.append(item.state.value)
    return " · ".join(parts)


def frame_figures(frame: ShownFrame, position: int, count: int) -> str:
    """Number, time, objects, rejections and latency of a frame."""
    seen = sum(item.state is not ObjectState.UNSEEN for item in frame.update.objects)
    rows = [
        ("frame", f"{position + 1} of {count}"),
        ("stamp", f"{frame.stamp_ns / 1e9:.3f} s"),
        ("poses in", frame.frame_id),
        ("objects", f"{len(frame.update.objects)}, {seen} seen"),
        ("rejected", str(len(frame.update.rejections))),
        ("state", "complete" if frame.update.final else "being reconstructed"),
    ]
    if not math.isnan(frame.latency_ms):
        rows.append(("latency", f"{frame.latency_ms:.0f} ms"))
    rows += [(f"· {stage}", f"{value:.0f} ms") for stage, value in frame.update.latency_ms.items() if value >= 1.0]
    return table(("", ""), rows)


def object_table(frame: ShownFrame) -> str:
    """One row for each object: id, class, state, score, how long its mesh took."""
    if not frame.update.objects:
        return "*none*"
    return table(("TF", "class", "state", "score", "ms"), [_object_row(frame, item) for item in frame.update.objects])


def rejection_table(rejections: Sequence[Rejection]) -> str:
    """One row for each mask that did not become an object."""
    if not rejections:
        return "*none*"
    return table(("mask", "reason"), [(str(r.label), f"{r.reason.value}: {r.detail}") for r in rejections])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; what would be markup in a cell is shown as it is written."""
    lines = [head, ["---"] * len(head), *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _object_row(frame: ShownFrame, item: SceneObject) -> tuple[str, ...]:
    score = "" if math.isnan(item.quality.score) else f"{item.quality.score:.2f}"
    spent = f"{sum(item.latency_ms.values()):.0f}" if item.latency_ms else ""
    name = item.detection.class_id if item.detection else ""
    return frame.tf_names.get(item.object_id, str(item.object_id)), name, item.state.value, score, spent


def _plain(text: str) -> str:
    """Class names and details come from others: no pipe may end a cell, no tag may begin."""
    for mark, shown in (("&", "&amp;"), ("<", "&lt;"), ("{", "&#123;"), ("|", "&#124;"), ("\n", " "), ("_", "\\_")):
        text = text.replace(mark, shown)
    return text
