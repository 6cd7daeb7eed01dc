"""Depth points and the samples of visible surfaces that lie nearest to them, for many objects side by side.

Coordinates lie in an axis of their own in front of the points, [O, 3, P], so that each is one stretch of memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .surface_model import VisibleSide, nearest_columns

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """Points in the object frame with their nearest visible samples."""

    x: Array  # [O, 3, P]
    n: Array  # [O, 3, P] normals of the samples
    residuals: Array  # [O, P] along n
    aside: Array  # [O, P] along the surface, beyond the edge of the samples
    distances: Array  # [O, P] of both


@dataclass(frozen=True, slots=True, eq=False)
class ThinSides:
    """Surfaces of the objects with few samples, which make one array."""

    table: Array  # [O K, 6] points and normals, object after object
    lookup: NDArray[np.float32]  # [O, 4, K] see `lookup_of`
    spacing: Array  # [O]

    @staticmethod
    def of(sides: Sequence[VisibleSide]) -> ThinSides:
        return ThinSides(
            table=np.concatenate([side.thin.table for side in sides]),
            lookup=np.array([side.thin.lookup for side in sides]),
            spacing=np.array([side.thin.spacing for side in sides]),
        )

    def part(self, going: NDArray[np.bool_]) -> ThinSides:
        """Some of the objects."""
        count, _, samples = self.lookup.shape
        table = self.table.reshape(count, samples, 6)[going].reshape(-1, 6)
        return ThinSides(table, self.lookup[going], self.spacing[going])

    def match(self, x: Array) -> Match:
        """The nearest samples of points [O, 3, P] in the frames of their objects."""
        count, _, samples = self.lookup.shape
        index = nearest_columns(x, self.lookup) + samples * np.arange(count)[:, None]
        return _match(x, self.table.take(index, axis=0), self.spacing)


def match_all_samples(x: Array, sides: Sequence[VisibleSide], spacing: Array) -> Match:
    """The nearest of all samples of points [O, 3, P] in the frames of their objects."""
    found = np.empty((len(sides), x.shape[2], 6))
    for points, side, rows in zip(x, sides, found, strict=True):
        side.table.take(side.nearest(points.T), axis=0, out=rows, mode="clip")
    return _match(x, found, spacing)


def _match(x: Array, found: Array, spacing: Array) -> Match:
    """Distances of points [O, 3, P] from the samples [O, P, 6] that were found for them."""
    planes = np.ascontiguousarray(found.transpose(0, 2, 1))
    n = planes[:, 3:]
    offset = x - planes[:, :3]
    residuals = np.add.reduce(offset * n, axis=1)
    offset *= offset
    along = np.sqrt(np.maximum(np.add.reduce(offset, axis=1) - residuals * residuals, 0.0))
    # Between samples the surface goes on, so only what is farther than their spacing is off its edge.
    aside = np.maximum(along - 2 * spacing[:, None], 0.0)
    return Match(x, n, residuals, aside, np.sqrt(residuals * residuals + aside * aside))
