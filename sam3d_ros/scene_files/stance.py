"""Flat undersides for collision shapes: nobody saw them, and a body that stood must not topple over a guessed bump."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from ..geometry import Mesh
from .collision import CollisionForm, whole_hull

_MARGIN = 0.1  # of the height of the centre of mass: so far within the base it is where a body stands firmly
_FLAT = 5e-4  # m, what ends this near the ground touches it
_MAX_REACH = 0.04  # m
_STEP = 0.005  # m


def bottom_of(parts: Sequence[Mesh]) -> float:
    """Lowest height of parts that are given in the world, metres."""
    return min(float(part.vertices[:, 2].min()) for part in parts)


def on_flat_base(parts: Sequence[Mesh], form: CollisionForm, *, level: float, reach: float) -> list[Mesh]:
    """World parts cut at height `level`, with all that lies up to `reach` metres above it brought down to it.

    The vertices above stay where they are. Convex parts stay convex, and those that become flat are dropped; where
    that would leave nothing, the parts come back as they were.
    """
    lowered = [_lowered(part, level, reach) for part in parts]
    if form is CollisionForm.MESH:
        return lowered if np.ptp(lowered[0].vertices[:, 2]) > 0 else list(parts)
    hulls = [whole_hull(part) for part in lowered]
    return [hull for hull in hulls if hull is not None] or list(parts)


def on_firm_base(
    parts: Sequence[Mesh], form: CollisionForm, centre: NDArray[np.float64], *, level: float, reach: float
) -> list[Mesh]:
    """As `on_flat_base`, with the reach of `firm_reach`."""
    return on_flat_base(parts, form, level=level, reach=firm_reach(parts, centre, level=level, reach=reach))


def firm_reach(parts: Sequence[Mesh], centre: NDArray[np.float64], *, level: float, reach: float) -> float:
    """The given reach, or as much more, up to 40 mm, as it takes to have the centre of mass above the base, metres.

    A body that was seen standing has its centre of mass [3] above its base, wherever its guessed underside ends. Where
    that much is not enough (a body that leans on others), the given reach is kept.
    """
    wider = reach
    while not stands([_lowered(part, level, wider) for part in parts], centre, level):
        if wider >= _MAX_REACH:
            return reach
        wider += _STEP
    return wider


def stands(parts: Sequence[Mesh], centre: NDArray[np.float64], level: float) -> bool:
    """Whether the centre of mass [3] lies above what the parts have at height `level`, and 6 degrees of tilt within."""
    points = np.concatenate([part.vertices for part in parts]).astype(np.float64)
    base_xy = points[points[:, 2] <= level + _FLAT, :2]
    try:
        edges = ConvexHull(base_xy).equations
    except (QhullError, ValueError):  # a line, a point, or nothing
        return False
    return bool((edges[:, :2] @ centre[:2] + edges[:, 2] <= -_MARGIN * (centre[2] - level)).all())


def _lowered(part: Mesh, level: float, reach: float) -> Mesh:
    vertices = part.vertices.copy()
    vertices[vertices[:, 2] < level + reach, 2] = level
    return Mesh(vertices, part.triangles, part.vertex_colors)
