"""Signed distance functions of solids and their algebra: negative inside, metres.

Formulas after Hart, "Sphere tracing" (The Visual Computer 1996), and the exact distance to a polygon by its edges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

Array = NDArray[np.float64]
Sdf = Callable[[Array], Array]  # points [..., 3] -> distance [...]


def ellipsoid(centre: ArrayLike, radii: ArrayLike) -> Sdf:
    """Ellipsoid with axes along x, y, z; distance correct to first order near the surface."""
    c, r = np.asarray(centre, float), np.asarray(radii, float)

    def distance(p: Array) -> Array:
        q = (p - c) / r
        k0 = np.linalg.norm(q, axis=-1)
        k1 = np.linalg.norm(q / r, axis=-1)
        result: Array = k0 * (k0 - 1.0) / np.maximum(k1, 1e-9)
        return np.where(k0 < 1e-6, -r.min(), result)

    return distance


def box(centre: ArrayLike, size: ArrayLike, radius: float) -> Sdf:
    """Axis-aligned box of this full size, with edges rounded to `radius`."""
    c, half = np.asarray(centre, float), np.asarray(size, float) / 2 - radius

    def distance(p: Array) -> Array:
        q = np.abs(p - c) - half
        outside = np.linalg.norm(np.maximum(q, 0), axis=-1)
        inside: Array = np.minimum(q.max(axis=-1), 0)
        rounded: Array = outside + inside - radius
        return rounded

    return distance


def tube(points: ArrayLike, radii: ArrayLike) -> Sdf:
    """Chain of round cones through points [N, 3] with a radius at each."""
    path, thickness = np.asarray(points, float), np.asarray(radii, float)

    def distance(p: Array) -> Array:
        x, y, z = (np.ascontiguousarray(p[..., k]) for k in range(3))
        best = np.full(x.shape, np.inf)
        for a, b, ra, rb in zip(path[:-1], path[1:], thickness[:-1], thickness[1:], strict=True):
            ex, ey, ez = b - a
            dx, dy, dz = x - a[0], y - a[1], z - a[2]
            along = np.clip((dx * ex + dy * ey + dz * ez) / ((b - a) @ (b - a)), 0, 1)
            gap = np.sqrt((dx - along * ex) ** 2 + (dy - along * ey) ** 2 + (dz - along * ez) ** 2)
            best = np.minimum(best, gap - (ra + along * (rb - ra)))
        return best

    return distance


def lathe(profile: ArrayLike, radius: float = 0.0) -> Sdf:
    """Solid of revolution about z of a closed polygon of (radius, height) points [N, 2], grown by `radius`."""
    polygon = np.asarray(profile, float)

    def distance(p: Array) -> Array:
        flat = np.stack([np.hypot(p[..., 0], p[..., 1]), p[..., 2]], axis=-1)
        return polygon_distance(flat, polygon) - radius

    return distance


def shell(line: ArrayLike, radius: float) -> Sdf:
    """Wall of revolution about z: all points within `radius` of a line of (radius, height) points [N, 2]."""
    points = np.asarray(line, float)
    return lathe(np.concatenate([points, points[-2:0:-1]]) if len(points) > 2 else points, radius)


def polygon_distance(p: Array, polygon: Array) -> Array:
    """Signed distance of points [..., 2] to a closed polygon [N, 2]; inside by the even-odd rule."""
    x, y = np.ascontiguousarray(p[..., 0]), np.ascontiguousarray(p[..., 1])
    best = np.full(x.shape, np.inf)  # squared
    inside = np.zeros(x.shape, bool)
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        ex, ey = b - a
        wx, wy = x - a[0], y - a[1]
        along = np.clip((wx * ex + wy * ey) / max(float(ex * ex + ey * ey), 1e-18), 0, 1)
        crosses = (y >= a[1]) != (y >= b[1])
        inside ^= crosses & ((ex * wy - ey * wx > 0) == (ey > 0))
        wx -= along * ex
        wy -= along * ey
        best = np.minimum(best, wx * wx + wy * wy)
    distance: Array = np.sqrt(best)
    return np.where(inside, -distance, distance)


def union(*parts: Sdf) -> Sdf:
    return lambda p: np.minimum.reduce([part(p) for part in parts])


def difference(solid: Sdf, *holes: Sdf) -> Sdf:
    return lambda p: np.maximum.reduce([solid(p), *(-hole(p) for hole in holes)])


def blend(width: float, first: Sdf, *others: Sdf) -> Sdf:
    """Union with a fillet of about `width` (polynomial smooth minimum)."""

    def distance(p: Array) -> Array:
        d = first(p)
        for other in others:
            e = other(p)
            h = np.maximum(width - np.abs(d - e), 0) / width
            d = np.minimum(d, e) - h * h * width / 4
        return d

    return distance


def rotated(solid: Sdf, rotation: ArrayLike) -> Sdf:
    """The solid turned by a rotation matrix [3, 3] about the origin."""
    r = np.asarray(rotation, float)
    return lambda p: solid(p @ r)


def translated(solid: Sdf, offset: ArrayLike) -> Sdf:
    shift = np.asarray(offset, float)
    return lambda p: solid(p - shift)


def arc(centre: ArrayLike, radius: float, degrees: Sequence[float], count: int = 9) -> Array:
    """Points [count, 3] on a circle in the x-z plane, from one angle to the other."""
    angle = np.radians(np.linspace(degrees[0], degrees[1], count))
    ring = np.stack([np.cos(angle), np.zeros(count), np.sin(angle)], axis=-1)
    points: Array = np.asarray(centre, float) + radius * ring
    return points


def rounded_line(points: ArrayLike, count: int) -> Array:
    """Smooth curve [count, D] through points [N, D] (shape-preserving cubic over the chord length)."""
    corners = np.asarray(points, float)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    curve: Array = PchipInterpolator(length, corners)(np.linspace(0, length[-1], count))
    return curve
