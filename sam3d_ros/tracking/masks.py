"""The instance masks of a frame, split in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..pipeline import Frame
from ..pipeline.silhouette import Box

_COUNTABLE_LABEL = 1 << 20  # up to here a table indexed by label is quicker than sorting
_BORDER = 2  # pixels; depth this near the outline of a mask often belongs to what lies behind


@dataclass(frozen=True, slots=True, eq=False)
class MaskView:
    """One mask with an even sample of its depth points, camera optical frame."""

    label: int
    pixels: int  # of the whole mask
    box: Box
    points: NDArray[np.float64]  # [N, 3] metres, finite, away from the outline where there are enough
    centre: NDArray[np.float64]  # [3] median of the points; NaN where there are none


def split_masks(frame: Frame, *, points: int) -> dict[int, MaskView]:
    """All masks of the frame by label, each with up to `points` depth points."""
    flat = frame.labels.reshape(-1)
    where = np.flatnonzero(flat != 0)
    if not len(where):
        return {}
    present, group = _grouped(flat[where])
    order = np.argsort(group, kind="stable")
    counts = np.bincount(group, minlength=len(present))
    ends = np.cumsum(counts)
    return {
        int(label): _view(frame, int(label), where[order[end - count : end]], points)
        for label, count, end in zip(present, counts, ends, strict=True)
    }


def _grouped(values: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.integer]]:
    """The distinct values, ascending, and for each entry the index of its value."""
    if values.min() < 0 or values.max() >= _COUNTABLE_LABEL:
        present, group = np.unique(values, return_inverse=True)
        return present, group.reshape(-1)
    present = np.flatnonzero(np.bincount(values)).astype(np.int32)
    index = np.zeros(int(present[-1]) + 1, np.uint16 if len(present) < 1 << 16 else np.int32)
    index[present] = np.arange(len(present))
    return present, index[values]


def _view(frame: Frame, label: int, pixels: NDArray[np.int64], count: int) -> MaskView:
    width = frame.camera.width
    columns = pixels % width
    box = (int(columns.min()), int(pixels[0]) // width, int(columns.max()), int(pixels[-1]) // width)  # row-major order
    chosen = _spread(pixels, 2 * count)
    points = _finite(frame, chosen[_is_inner(frame.labels, label, chosen)])
    if len(points) < count // 4:
        points = _finite(frame, chosen)
    points = _spread(points, count)
    centre = np.median(points, axis=0) if len(points) else np.full(3, np.nan)
    return MaskView(label, len(pixels), box, points, centre)


def _spread(array: NDArray[Any], count: int) -> NDArray[Any]:
    """At most `count` of the rows, evenly over their order."""
    return array if len(array) <= count else array[np.arange(count) * len(array) // count]


def _finite(frame: Frame, pixels: NDArray[np.int64]) -> NDArray[np.float64]:
    points = frame.pointmap.reshape(-1, 3)[pixels].astype(np.float64)
    finite: NDArray[np.float64] = points[np.isfinite(points.sum(axis=1))]
    return finite


def _is_inner(labels: NDArray[np.int32], label: int, pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the neighbours at a distance of `_BORDER` carry the same label."""
    flat, width = labels.reshape(-1), labels.shape[1]
    offsets = np.array([-_BORDER * width, -_BORDER, _BORDER, _BORDER * width])
    inner: NDArray[np.bool_] = (flat.take(pixels[:, None] + offsets, mode="clip") == label).all(axis=1)
    return inner
