"""Solids beyond those of the demo: distances are never overestimated by much, so that meshing misses nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..synthetic.sdf import Array, Sdf, lathe, polygon_distance, tube


def extrusion(polygon: ArrayLike, low: float, high: float, radius: float = 0.0) -> Sdf:
    """Prism over a closed polygon of (x, y) points [N, 2] from height `low` to `high`, edges rounded by `radius`.

    The polygon is that of the rounded prism where `radius` is small: the solid is shrunk and grown again.
    """
    outline = np.asarray(polygon, float)
    middle, half = (low + high) / 2, (high - low) / 2

    def distance(p: Array) -> Array:
        side = polygon_distance(p[..., :2], outline) + radius
        cap = np.abs(p[..., 2] - middle) - half + radius
        outside = np.hypot(np.maximum(side, 0), np.maximum(cap, 0))
        inside: Array = np.minimum(np.maximum(side, cap), 0)
        rounded: Array = outside + inside - radius
        return rounded

    return distance


def cylinder(low: float, high: float, radius: float, *, top: float | None = None, edge: float = 0.0) -> Sdf:
    """Upright cylinder about z, or cone where `top` differs from `radius`; `edge` rounds its rims."""
    upper = radius if top is None else top
    inner = [(0.0, low + edge), (radius - edge, low + edge), (max(upper - edge, 1e-4), high - edge), (0.0, high - edge)]
    return lathe(inner, edge)


def rod(start: ArrayLike, end: ArrayLike, radius: float) -> Sdf:
    """Straight bar with round ends."""
    return tube(np.array([start, end], float), [radius, radius])


def torus(centre: ArrayLike, ring: float, radius: float) -> Sdf:
    """Ring about the z direction."""
    c = np.asarray(centre, float)

    def distance(p: Array) -> Array:
        q = p - c
        around: Array = np.hypot(np.hypot(q[..., 0], q[..., 1]) - ring, q[..., 2]) - radius
        return around

    return distance


def sphere(centre: ArrayLike, radius: float) -> Sdf:
    c = np.asarray(centre, float)
    return lambda p: np.asarray(np.linalg.norm(p - c, axis=-1) - radius)


def half_space(point: ArrayLike, normal: ArrayLike) -> Sdf:
    """Everything behind the plane through `point` with this outward normal."""
    n = np.asarray(normal, float) / np.linalg.norm(normal)
    c = np.asarray(point, float)
    return lambda p: (p - c) @ n


def superquadric(centre: ArrayLike, radii: ArrayLike, square: tuple[float, float]) -> Sdf:
    """Superellipsoid (Barr 1981) of exponents `square` = (along z, about z): 0.2 boxy, 1 round, 1.8 pointed."""
    c, r = np.asarray(centre, float), np.asarray(radii, float)
    e1, e2 = square

    def distance(p: Array) -> Array:
        q = np.abs((p - c) / r) + 1e-6
        flat = (q[..., 0] ** (2 / e2) + q[..., 1] ** (2 / e2)) ** (e2 / e1)
        radial = (flat + q[..., 2] ** (2 / e1)) ** (e1 / 2)
        length = np.linalg.norm(p - c, axis=-1)
        away: Array = length * (1 - 1 / np.maximum(radial, 1e-3))
        return np.where(away > 0, 0.6 * away, 0.6 * np.maximum(away, (radial - 1) * r.min()))

    return distance


def intersection(*solids: Sdf) -> Sdf:
    return lambda p: np.maximum.reduce([solid(p) for solid in solids])


def hollow(solid: Sdf, wall: float) -> Sdf:
    """Shell of this thickness inside the surface of the solid."""
    return lambda p: np.abs(solid(p) + wall / 2) - wall / 2


def mirrored(solid: Sdf, axis: int = 1) -> Sdf:
    """The half at positive coordinates of an axis, and its mirror image."""

    def distance(p: Array) -> Array:
        q = p.copy()
        q[..., axis] = np.abs(q[..., axis])
        return solid(q)

    return distance


def around(solid: Sdf, count: int) -> Sdf:
    """`count` copies about z of what lies near the x-z plane on the positive x side."""
    sector = 2 * np.pi / count

    def distance(p: Array) -> Array:
        angle = np.arctan2(p[..., 1], p[..., 0])
        angle = angle - sector * np.round(angle / sector)
        radius = np.hypot(p[..., 0], p[..., 1])
        return solid(np.stack([radius * np.cos(angle), radius * np.sin(angle), p[..., 2]], axis=-1))

    return distance


def stretched(solid: Sdf, factors: Sequence[float]) -> Sdf:
    """The solid scaled along the axes; the distance is kept from growing too long."""
    f = np.asarray(factors, float)
    return lambda p: solid(p / f) * f.min()


def bumpy(solid: Sdf, height: float, cell: float, phase: ArrayLike) -> Sdf:
    """The solid with a surface that goes up and down by `height` over cells of this size."""
    shift = np.asarray(phase, float)

    def distance(p: Array) -> Array:
        wave = np.sin(p * (np.pi / cell) + shift)
        slow: Array = (solid(p) + height * wave[..., 0] * wave[..., 1] * wave[..., 2]) / (1 + 2 * height / cell)
        return slow

    return distance


def twisted(solid: Sdf, turns_per_metre: float, reach: float) -> Sdf:
    """The solid turned about z the more the higher; `reach` is its largest distance from the axis."""
    slope = 2 * np.pi * turns_per_metre

    def distance(p: Array) -> Array:
        c, s = np.cos(slope * p[..., 2]), np.sin(slope * p[..., 2])
        turned = np.stack([c * p[..., 0] + s * p[..., 1], c * p[..., 1] - s * p[..., 0], p[..., 2]], axis=-1)
        slow: Array = solid(turned) / np.hypot(1.0, slope * reach)
        return slow

    return distance
