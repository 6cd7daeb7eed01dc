"""The instance masks of a frame, split in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..pipeline import Frame
from ..pipeline.surface_model import Box

_COUNTABLE_LABEL = 1 << 20  # up to here a table indexed by label is quicker than sorting
_BORDER = 2  # pixels; depth this near the outline of a mask often belongs to what lies behind


@dataclass(frozen=True, slots=True, eq=False)
class MaskView:
    """One mask with an even sample of its depth points, camera optical frame."""

    label: int
    pixels: int  # of the whole mask
    box: Box
    points: NDArray[np.float64]  # [N, 3] metres, finite, away from the outline where there are enough


def split_masks(frame: Frame, *, points: int) -> dict[int, MaskView]:
    """All masks of the frame by label, each with up to `points` depth points."""
    flat = frame.labels.reshape(-1)
    where = np.flatnonzero(flat)
    if not len(where):
        return {}
    values = flat[where]
    present, group = _grouped(values)
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=len(present)))
    starts = ends - np.bincount(group, minlength=len(present))
    return {
        int(label): _view(frame, int(label), where[order[start:end]], points)
        for label, start, end in zip(present, starts, ends, strict=True)
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
    rows = pixels[[0, -1]] // width  # the pixels are in row-major order
    columns = pixels % width
    box = (int(columns.min()), int(rows[0]), int(columns.max()), int(rows[1]))
    chosen = pixels if len(pixels) <= 3 * count else pixels[np.linspace(0, len(pixels) - 1, 3 * count).astype(int)]
    inner = chosen[_is_inner(frame.labels, label, chosen)]
    points = _finite(frame, inner)
    if len(points) < count // 4:
        points = _finite(frame, chosen)
    if len(points) > count:
        points = points[np.linspace(0, len(points) - 1, count).astype(int)]
    return MaskView(label, len(pixels), box, points)


def _finite(frame: Frame, pixels: NDArray[np.int64]) -> NDArray[np.float64]:
    points = frame.pointmap.reshape(-1, 3)[pixels]
    return points[np.isfinite(points).all(axis=1)].astype(np.float64)


def _is_inner(labels: NDArray[np.int32], label: int, pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the neighbours at a distance of `_BORDER` carry the same label."""
    height, width = labels.shape
    v, u = np.divmod(pixels, width)
    inner = np.ones(len(pixels), bool)
    for dv, du in ((-_BORDER, 0), (_BORDER, 0), (0, -_BORDER), (0, _BORDER)):
        inner &= labels[np.clip(v + dv, 0, height - 1), np.clip(u + du, 0, width - 1)] == label
    return inner
