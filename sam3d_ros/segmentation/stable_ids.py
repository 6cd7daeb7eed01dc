"""Labels that stay with an object from frame to frame, by overlap in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from ..geometry import SE3

_POINTS = 150  # of each object
_REACH = 0.03  # m, within which points of two frames are the same place
_MIN_OVERLAP = 0.3
_MEMORY = 30  # frames that an object may be hidden and come back under its label


@dataclass(slots=True, eq=False)
class _Known:
    points: NDArray[np.float64]  # [N, 3] reference frame
    missing: int = 0  # frames in a row


class StableIds:
    """Gives each region the label of the known object that it overlaps most, as a best assignment over all."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}
        self._last = 0

    def clear(self) -> None:
        self._known.clear()

    def assign(self, labels: NDArray[np.int32], pointmap: NDArray[np.float32], T_ref_cam: SE3) -> NDArray[np.int32]:
        """The label image [H, W] with stable labels; the points of the pointmap are in the camera's frame."""
        regions = _region_points(labels, pointmap, T_ref_cam)
        names = self._matched(regions)
        for region in regions:
            if region not in names:
                self._last += 1
                names[region] = self._last
        self._remember({names[region]: points for region, points in regions.items()})
        table = np.zeros(int(labels.max()) + 1, np.int32)
        for region, name in names.items():
            table[region] = name
        return table[labels]

    def _matched(self, regions: dict[int, NDArray[np.float64]]) -> dict[int, int]:
        if not regions or not self._known:
            return {}
        names, numbers = list(self._known), list(regions)
        trees = [cKDTree(self._known[name].points) for name in names]
        overlap = np.array([[_overlap(tree, regions[number]) for number in numbers] for tree in trees])
        rows, columns = linear_sum_assignment(overlap, maximize=True)
        return {numbers[j]: names[i] for i, j in zip(rows, columns, strict=True) if overlap[i, j] >= _MIN_OVERLAP}

    def _remember(self, seen: dict[int, NDArray[np.float64]]) -> None:
        for name, known in list(self._known.items()):
            known.missing += 1
            if known.missing > _MEMORY:
                del self._known[name]
        for name, points in seen.items():
            self._known[name] = _Known(points)


def _region_points(
    labels: NDArray[np.int32], pointmap: NDArray[np.float32], T_ref_cam: SE3
) -> dict[int, NDArray[np.float64]]:
    """An even sample of each region's points in the reference frame."""
    rows, columns = np.nonzero((labels > 0) & np.isfinite(pointmap[..., 2]))
    values = labels[rows, columns]
    order = np.argsort(values, kind="stable")
    present, starts = np.unique(values[order], return_index=True)
    groups = np.split(order, starts[1:]) if len(present) else []
    return {
        int(label): T_ref_cam.apply(pointmap[rows[index], columns[index]])
        for label, index in zip(present, map(_thinned, groups), strict=True)
    }


def _thinned(index: NDArray[np.intp]) -> NDArray[np.intp]:
    count = min(_POINTS, len(index))
    return index[np.arange(count) * len(index) // max(count, 1)]


def _overlap(tree: cKDTree, points: NDArray[np.float64]) -> float:
    """Smaller share, 0 to 1, of either's points that lie near the other's."""
    there, _ = tree.query(points, distance_upper_bound=_REACH)
    back, _ = cKDTree(points).query(tree.data, distance_upper_bound=_REACH)
    return min(float(np.isfinite(there).mean()), float(np.isfinite(back).mean()))
