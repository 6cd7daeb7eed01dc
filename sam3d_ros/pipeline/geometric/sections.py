"""A solid as a stack of convex horizontal cross-sections, each known by its supporting lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sections:
    """`support[k, j]` is how far section k reaches in direction j; -inf where the section is empty."""

    heights: Float64Array  # [K] m, rising evenly
    directions: Float64Array  # [J, 2] unit
    support: Float64Array  # [K, J] m

    def field(self, x: Float64Array, y: Float64Array) -> NDArray[np.float32]:
        """Signed distance bound [X, Y, K] of the grid x [X], y [Y] in every section, negative inside."""
        xy = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
        reach = (self.directions @ xy.T).astype(np.float32)  # [J, X * Y]
        support = np.maximum(self.support, -10.0).astype(np.float32)
        field = np.full((reach.shape[1], len(support)), -np.inf, np.float32)
        for line, limit in zip(reach, support.T, strict=True):
            np.maximum(field, line[:, None] - limit, out=field)
        return field.reshape(len(x), len(y), -1)

    def extruded_down(self) -> Sections:
        """Each section takes in all sections above it, as of an object that nowhere narrows towards its base."""
        support = np.maximum.accumulate(self.support[::-1], axis=0)[::-1]
        return Sections(self.heights, self.directions, support)


def make_sections(points: Float64Array, heights: Float64Array, *, directions: int, yaw: float) -> Sections:
    """Sections of the points [N, 3] at the given heights; one direction is at `yaw`, so that boxes keep their corners.

    A section takes the points within one and a half steps of its height; empty ones in between are interpolated.
    """
    angles = yaw + np.arange(directions) * (2 * np.pi / directions)
    lines = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    step = heights[1] - heights[0]
    reach = points[:, :2] @ lines.T
    layer = np.rint((points[:, 2] - heights[0]) / step).astype(np.int64).clip(0, len(heights) - 1)
    order = np.argsort(layer, kind="stable")
    filled, first = np.unique(layer[order], return_index=True)
    own = np.full((len(heights) + 2, directions), -np.inf)
    own[filled + 1] = np.maximum.reduceat(reach[order], first, axis=0)
    support = np.maximum(np.maximum(own[:-2], own[2:]), own[1:-1])
    return Sections(heights, lines, _fill_between(support))


def _fill_between(support: Float64Array) -> Float64Array:
    """Interpolate empty sections between filled ones."""
    filled = np.flatnonzero(np.isfinite(support[:, 0]))
    if len(filled) < 2:
        return support
    inner = np.arange(filled[0], filled[-1] + 1)
    result = np.array(support)
    for j in range(support.shape[1]):
        result[inner, j] = np.interp(inner, filled, support[filled, j])
    return result
