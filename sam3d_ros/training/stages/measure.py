"""How good decoded shapes are on objects that were held out: the figures that a stage writes beside its weights."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes
from torch import Tensor

from ...geometry.metrics import chamfer_distance, f_score
from ...model.structure import StructureFields

Grid = NDArray[np.floating]
_BATCH = 16  # samples at a time
_POINTS = 30_000  # of a surface at most: three times those of a solid, but noise may have millions


@dataclass(frozen=True, slots=True)
class ShapeFigures:
    """Of one object, in voxels of the grid."""

    iou: float
    chamfer: float  # voxels
    f_score: float  # within one voxel


def shape_figures(estimate: Mapping[str, Grid], truth: Mapping[str, Grid]) -> ShapeFigures:
    """Figures of `occupancy` (above 0: logits or 0 and 1) and `distance` [R, R, R], negative inside.

    A surface is where the distance is zero. An estimate without a surface has an F-score of 0 and a Chamfer distance of
    the grid's edge.
    """
    a, b = (np.asarray(fields["occupancy"]) > 0 for fields in (estimate, truth))
    iou = float((a & b).sum() / max((a | b).sum(), 1))
    points, reference = (surface_points(np.asarray(fields["distance"])) for fields in (estimate, truth))
    if not len(points) or not len(reference):
        return ShapeFigures(iou, float(len(a)), 0.0)
    return ShapeFigures(iou, chamfer_distance(points, reference), f_score(points, reference, 1.0).score)


def measured_numbers(samples: int, count: int) -> list[range]:
    """Numbers of about `count` samples, spread over all, in batches."""
    step = max(1, samples // count)
    return [range(first, min(first + step * _BATCH, samples), step) for first in range(0, samples, step * _BATCH)]


def batch_figures(decoded: StructureFields, truth: Mapping[str, Tensor]) -> Iterator[ShapeFigures]:
    """Figures of each object of a batch; without a decoded distance the logits tell where the surface is."""
    distance = decoded.logits.negative() if decoded.distance is None else decoded.distance
    fields = (decoded.logits, distance, truth["occupancy"], truth["distance"])
    for logits, estimate, occupancy, true in zip(*(x[:, 0].float().cpu().numpy() for x in fields), strict=True):
        yield shape_figures({"occupancy": logits, "distance": estimate}, {"occupancy": occupancy, "distance": true})


def surface_points(distance: Grid) -> NDArray[np.float32]:
    """Points [N, 3] on the zero surface of a grid, in voxels; none where it has one sign."""
    if not distance.min() < 0 < distance.max():
        return np.empty((0, 3), np.float32)
    points: NDArray[np.float32] = marching_cubes(distance.astype(np.float32), 0.0)[0]
    return points[:: 1 + len(points) // _POINTS]


def write_figures(path: Path, figures: Iterable[Any], about: Mapping[str, float | str]) -> dict[str, float]:
    """Write means and half widths of their 95 % intervals as JSON, with what they are about; returns the means.

    Figures are dataclasses of numbers, all of one kind.
    """
    rows = [asdict(figure) for figure in figures]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    means = {name: float(column.mean()) for name, column in columns.items()}
    half = {name: float(1.96 * column.std() / np.sqrt(len(column))) for name, column in columns.items()}
    content = {**about, "objects": len(rows), "mean": means, "interval_95": half}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return means
