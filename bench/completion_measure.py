"""Figures of completed objects against the truth, in the camera frame, in metres, with nothing aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from completion_methods import Answer, Method
from numpy.typing import NDArray
from scanned_scenes import BenchScene

from sam3d_ros.geometry.metrics import deeply_hidden, nearest_distances
from sam3d_ros.pipeline.finish import is_watertight
from sam3d_ros.replay.scores.shape_score import ShapeScore, TruthSurface, score_mesh, score_points
from sam3d_ros.replay.scores.surface_distance import distance_to_surface

NAN = float("nan")
DEEP, FOUND = 0.005, 0.010  # m


@dataclass(frozen=True, slots=True)
class Figure:
    """One column of a table."""

    key: str
    title: str
    higher_is_better: bool
    digits: int


FIGURES = (
    Figure("chamfer_mm", "Chamfer mm", False, 2),
    Figure("f_5mm", "F at 5 mm", True, 3),
    Figure("hidden_10mm", "hidden within 10 mm", True, 3),
    Figure("deep_10mm", "deeply hidden within 10 mm", True, 3),
    Figure("iou", "IoU", True, 3),
    Figure("add_s", "ADD-S below 0.1 d", True, 3),
    Figure("closed", "closed", True, 3),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One object as one method answered it; shares are 0 to 1, NaN where a figure does not apply."""

    scene: str
    label: int
    name: str
    category: str
    method: str
    chamfer_mm: float
    f_5mm: float
    hidden_10mm: float
    deep_10mm: float
    iou: float
    add_s: float  # 1 below a tenth of the diameter, else 0
    closed: float  # 1 closed and consistently turned outwards, else 0
    add_s_mm: float
    milliseconds: float
    rejected: str = ""


def measure_scene(scene: BenchScene, methods: Sequence[Method]) -> list[Row]:
    """Every method on every object that is asked for."""
    surfaces = {item.label: TruthSurface.of(item, scene.true_frame) for item in scene.truth}
    names = {item.label: (item.name, item.category) for item in scene.truth}
    rows = []
    for method in methods:
        for answer in method.answer(scene.frame, surfaces):
            name, category = names[answer.label]
            rows.append(score(answer, surfaces[answer.label], (scene.name, name, category, method.name)))
    return rows


def score(answer: Answer, truth: TruthSurface, names: tuple[str, str, str, str]) -> Row:
    """The figures of one answer; `names` are those of scene, object, category and method.

    A rejected object is a failure and stays in every mean: nothing is found, nothing is closed, and its Chamfer
    distance is half the true diameter.
    """
    scene, name, category, method = names
    if answer.mesh is not None:
        found, closed = score_mesh(answer.mesh, truth), float(is_watertight(answer.mesh))
    elif answer.points is not None:
        found, closed = score_points(answer.points, truth), NAN
    else:
        found, closed = _nothing(truth), 0.0
    return Row(
        scene=scene,
        label=answer.label,
        name=name,
        category=category,
        method=method,
        chamfer_mm=found.chamfer_mm,
        f_5mm=found.f_5mm,
        hidden_10mm=found.hidden_10mm,
        deep_10mm=_deep_share(answer, truth),
        iou=found.iou,
        add_s=found.add_s_below_tenth,
        closed=closed,
        add_s_mm=found.add_s_mm,
        milliseconds=answer.milliseconds,
        rejected=answer.rejected,
    )


def _deep_share(answer: Answer, truth: TruthSurface) -> float:
    """Share of the deeply hidden surface that lies within 10 mm of the answer; NaN where nothing is deeply hidden."""
    deep = _deep_points(truth)
    if not len(deep):
        return NAN
    if answer.mesh is not None:
        return float((distance_to_surface(deep, answer.mesh) < FOUND).mean())
    return float((nearest_distances(deep, answer.points) < FOUND).mean()) if answer.points is not None else 0.0


@lru_cache(maxsize=16)
def _deep_points(truth: TruthSurface) -> NDArray[np.float64]:
    """The deeply hidden points [N, 3], found once for all methods."""
    return truth.points[deeply_hidden(truth.points, truth.hidden, DEEP)]


def _nothing(truth: TruthSurface) -> ShapeScore:
    half = 500.0 * truth.diameter
    hidden = 0.0 if truth.hidden.any() else NAN
    return ShapeScore(half, 0.0, 0.0, hidden, 0.0, half, 0.0, NAN, NAN)


def values(rows: Sequence[Row], key: str) -> NDArray[np.float64]:
    """A figure of all rows, [N]."""
    return np.array([getattr(row, key) for row in rows], np.float64)
