"""A flat seat on a body for what stands on it: nobody saw where they touch, and three guessed bumps carry nothing."""

from __future__ import annotations

from collections.abc import Sequence

import manifold3d
import numpy as np
from numpy.typing import NDArray

from ..geometry import Mesh
from ..messages.mesh_reduction import convex_hull

_FLAT = 5e-4  # m, what ends this near the level is part of the base
_CORNERS = 12  # of each of the two outlines that a seat has in common
_MIN_VOLUME = 1e-9  # m3


def seat(lower: Sequence[Mesh], upper: Sequence[Mesh], *, level: float, depth: float) -> Mesh | None:
    """A convex slab [level - depth, level] under the base of `upper`, as far as `lower` ends near that height.

    Parts are given in the world; None where nothing of `lower` ends within `depth` metres of the level below the base.
    """
    base = np.concatenate([part.vertices for part in upper])
    base = base[base[:, 2] <= level + _FLAT]
    top = np.concatenate([part.vertices for part in lower])
    top = top[np.abs(top[:, 2] - level) <= depth]
    slabs = [_slab(points[:, :2], level - depth, level) for points in (base, top)]
    if slabs[0] is None or slabs[1] is None:
        return None
    common = slabs[0] ^ slabs[1]
    if common.volume() < _MIN_VOLUME:
        return None
    points = np.asarray(common.to_mesh().vert_properties)[:, :3]
    return convex_hull(_cloud(points), 4 * _CORNERS)


def _slab(points_xy: NDArray[np.floating], low: float, high: float) -> manifold3d.Manifold | None:
    """The hull of points [N, 2] between two heights; None where they lie on a line."""
    ends = [np.column_stack([points_xy, np.full(len(points_xy), z)]) for z in (low, high)]
    hull = convex_hull(_cloud(np.concatenate(ends)), 4 * _CORNERS)
    if hull is None:
        return None
    return manifold3d.Manifold(manifold3d.Mesh(hull.vertices.astype(np.float32), hull.triangles.astype(np.uint32)))


def _cloud(points: NDArray[np.floating]) -> Mesh:
    return Mesh(points.astype(np.float32), np.zeros((0, 3), np.int32), np.zeros((len(points), 3), np.uint8))
