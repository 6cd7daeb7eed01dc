"""Colours of vertices that no image shows, from those that one does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Colors = NDArray[np.uint8]


def spread_to_unseen(points: Float64Array, colors: Colors, seen: BoolArray, *, neighbours: int = 1) -> Colors:
    """The colours [V, 3], with the mean of the nearest seen points' where a point [V, 3] is not seen.

    Raises ValueError where no point is seen.
    """
    if not seen.any():
        raise ValueError(f"none of {len(points)} points is seen, so that there is no colour to spread")
    if seen.all():
        return colors
    count = min(neighbours, int(seen.sum()))
    _, nearest = cKDTree(points[seen]).query(points[~seen], k=np.arange(1, count + 1))
    spread: Colors = colors.copy()
    spread[~seen] = np.rint(colors[seen][nearest].mean(axis=1)).astype(np.uint8)
    return spread
