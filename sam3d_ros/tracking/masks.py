"""The instance masks of a frame, split in one pass.

The label image is read once and becomes runs: stretches of one label within a row. All that follows costs by the
number of runs, some thousand, and not by the number of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import PinholeCamera
from ..pipeline import Frame
from ..pipeline.silhouette import Box

_COUNTABLE_LABEL = 1 << 20  # up to here a table indexed by label is quicker than sorting
_BORDER = 2  # pixels; depth this near the outline of a mask often belongs to what lies behind

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class MaskView:
    """One mask with an even sample of its depth points, camera optical frame."""

    label: int
    pixels: int  # of the whole mask
    box: Box
    points: NDArray[np.float64]  # [N, 3] metres, finite, away from the outline where there are enough
    centre: NDArray[np.float64]  # [3] median of the points; NaN where there are none

    def area(self, camera: PinholeCamera) -> float:
        """What the mask shows of its object, square metres across the line of sight; NaN without depth."""
        return self.pixels * float(self.centre[2]) ** 2 / (camera.fx * camera.fy)


@dataclass(frozen=True, slots=True, eq=False)
class _Runs:
    """Stretches of equal labels within rows, ordered by label and then as they lie in the image."""

    labels: NDArray[np.int32]  # [L] ascending, background left out
    first: Indices  # [L] index of the first run of each label
    starts: Indices  # [N] pixel index of each run's left end
    lengths: Indices  # [N]
    sizes: Indices  # [L] pixels of each label


def split_masks(frame: Frame, *, points: int) -> dict[int, MaskView]:
    """All masks of the frame by label, each with up to `points` depth points."""
    runs = _runs(frame.labels)
    if not len(runs.labels):
        return {}
    counts = np.minimum(runs.sizes, 2 * points)
    pixels = _spread_pixels(runs, counts)
    rows, columns = np.divmod(pixels, frame.camera.width)
    candidates = frame.pointmap.transpose(2, 0, 1)[:, rows, columns].astype(np.float64)  # [3, N]
    finite = np.isfinite(candidates[0] + candidates[1] + candidates[2])
    inner = finite & _is_inner(frame.labels, np.repeat(runs.labels, counts), pixels)
    views = {}
    begins = [0, *np.cumsum(counts).tolist()]
    for label, size, box, begin, end in zip(
        runs.labels.tolist(),
        runs.sizes.tolist(),
        _boxes(runs, frame.camera.width),
        begins[:-1],
        begins[1:],
        strict=True,
    ):
        chosen = begin + _chosen(finite[begin:end], inner[begin:end], count=points)
        p_cam = np.ascontiguousarray(candidates.take(chosen, axis=1).T)
        views[label] = MaskView(label, size, box, p_cam, _middle(p_cam))
    return views


def _runs(labels: NDArray[np.int32]) -> _Runs:
    flat, width = labels.reshape(-1), labels.shape[1]
    begins = np.empty(flat.size, np.bool_)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    begins[::width] = True
    starts = np.flatnonzero(begins)
    lengths = np.diff(starts, append=flat.size)
    values = flat[starts]
    used = np.flatnonzero(values)
    present, group = _grouped(values[used])
    order = used[np.argsort(group, kind="stable")]
    first = np.searchsorted(np.sort(group), np.arange(len(present)))
    lengths = lengths[order]
    sizes = np.add.reduceat(lengths, first) if len(first) else lengths
    return _Runs(present, first, starts[order], lengths, sizes)


def _grouped(values: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.integer]]:
    """The distinct values, ascending, and for each entry the index of its value."""
    if not len(values) or values.min() < 0 or values.max() >= _COUNTABLE_LABEL:
        present, group = np.unique(values, return_inverse=True)
        return present, group.reshape(-1)
    present = np.flatnonzero(np.bincount(values)).astype(np.int32)
    index = np.zeros(int(present[-1]) + 1, np.uint16 if len(present) < 1 << 16 else np.int32)
    index[present] = np.arange(len(present))
    return present, index[values]


def _spread_pixels(runs: _Runs, counts: Indices) -> Indices:
    """For each label as many of its pixels as `counts` [L] says, evenly over their order; one after the other."""
    before = np.cumsum(runs.sizes) - runs.sizes
    rank = np.concatenate(
        [
            start + np.arange(count) * size // count
            for start, size, count in zip(before.tolist(), runs.sizes.tolist(), counts.tolist(), strict=True)
        ]
    )
    ends = np.cumsum(runs.lengths)
    run = np.searchsorted(ends, rank, side="right")
    pixels: Indices = runs.starts[run] + rank - (ends - runs.lengths)[run]
    return pixels


def _boxes(runs: _Runs, width: int) -> list[Box]:
    left = runs.starts % width
    u_min = np.minimum.reduceat(left, runs.first).tolist()
    u_max = np.maximum.reduceat(left + runs.lengths - 1, runs.first).tolist()
    rows = runs.starts // width
    last = np.append(runs.first[1:], len(rows)) - 1
    return list(zip(u_min, rows[runs.first].tolist(), u_max, rows[last].tolist(), strict=True))


def _chosen(finite: NDArray[np.bool_], inner: NDArray[np.bool_], *, count: int) -> Indices:
    """Indices of up to `count` points, evenly over their order; those away from the outline where there are enough."""
    usable = np.flatnonzero(inner)
    if len(usable) < count // 4:
        usable = np.flatnonzero(finite)
    return usable if len(usable) <= count else usable[np.arange(count) * len(usable) // count]


def _middle(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of each coordinate, the upper one of an even number; NaN without points."""
    half = len(points) // 2
    middle: NDArray[np.float64] = np.partition(points, half, axis=0)[half] if len(points) else np.full(3, np.nan)
    return middle


def _is_inner(labels: NDArray[np.int32], own: NDArray[np.int32], pixels: Indices) -> NDArray[np.bool_]:
    """Whether the neighbours of each pixel at a distance of `_BORDER` carry its label, too."""
    flat, width = labels.reshape(-1), labels.shape[1]
    inner = np.ones(len(pixels), np.bool_)
    for offset in (-_BORDER * width, -_BORDER, _BORDER, _BORDER * width):
        inner &= flat.take(pixels + offset, mode="clip") == own
    return inner
