"""Planes, and the support plane of a noisy cloud by RANSAC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64Array = NDArray[np.float64]

_SCORED_POINTS = 4000  # candidates are compared on this many points; the winner is refined on all of them
_REFINEMENTS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """All points p with normal_xyz . p + offset = 0; unit normal; metres."""

    normal_xyz: Float64Array  # [3]
    offset: float

    def __post_init__(self) -> None:
        normal = np.array(self.normal_xyz, np.float64)
        length = np.linalg.norm(normal)
        if normal.shape != (3,) or not np.isfinite(length) or length < 1e-12:
            raise ValueError(f"a plane needs a normal of three finite numbers that are not all zero, got {normal}")
        object.__setattr__(self, "normal_xyz", normal / length)
        object.__setattr__(self, "offset", float(self.offset / length))

    @staticmethod
    def from_point(point: ArrayLike, normal_xyz: ArrayLike) -> Plane:
        """The plane through a point [3] with a normal [3] of any length."""
        normal = np.asarray(normal_xyz, np.float64)
        return Plane(normal, -float(normal @ np.asarray(point, np.float64)))

    def signed_distance(self, points: ArrayLike) -> Float64Array:
        """Metres [...] of points [..., 3] from the plane, positive on the side of the normal."""
        distance: Float64Array = np.asarray(points, np.float64) @ self.normal_xyz + self.offset
        return distance

    def project(self, points: ArrayLike) -> Float64Array:
        """The nearest points [..., 3] on the plane."""
        distances = self.signed_distance(points)
        return np.asarray(points, np.float64) - distances[..., None] * self.normal_xyz

    def flipped(self) -> Plane:
        """The same plane with the normal on the other side."""
        return Plane(-self.normal_xyz, -self.offset)


@dataclass(frozen=True, slots=True, eq=False)
class PlaneFit:
    """A plane and which of the points given lie on it."""

    plane: Plane
    inliers: NDArray[np.bool_]  # [N]


def fit_plane(points: ArrayLike) -> Plane | None:
    """Total least squares plane of points [N, 3]; None for fewer than three points or points on one line."""
    array = np.asarray(points, np.float64)
    if len(array) < 3:
        return None
    centre = array.mean(axis=0)
    centred = array - centre
    spreads, axes = np.linalg.eigh(centred.T @ centred)
    if spreads[1] <= 1e-12 * spreads[2] or spreads[2] == 0:
        return None
    return Plane.from_point(centre, axes[:, 0])


def fit_plane_ransac(
    points: ArrayLike,
    *,
    distance: float,
    iterations: int = 500,
    seed: int = 0,
    normal_hint: ArrayLike | None = None,
    max_angle: float | None = None,
) -> PlaneFit | None:
    """The plane with most of the points [N, 3] within `distance` metres, refined by least squares on them.

    With `normal_hint` the normal points to the hint's side, and planes tilted from it by more than `max_angle` radians
    are no candidates; without, the normal points to the side of the origin (the camera). Points that are not finite
    are never inliers. None where no three points span an allowed plane. Fischler and Bolles, CACM 1981.
    """
    array = np.asarray(points, np.float64).reshape(-1, 3)
    finite = np.isfinite(array).all(axis=1)
    usable = array[finite]
    if len(usable) < 3:
        return None
    wanted = _Wanted(None if normal_hint is None else Plane(np.asarray(normal_hint), 0.0).normal_xyz, max_angle)
    plane = _best_candidate(usable, np.random.default_rng(seed), (iterations, distance), wanted)
    plane = None if plane is None else _refined(usable, plane, distance, wanted)
    if plane is None:
        return None
    inliers = np.zeros(len(array), np.bool_)
    inliers[finite] = np.abs(plane.signed_distance(usable)) <= distance
    return PlaneFit(plane, inliers)


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """Which orientations are allowed, and which side is up."""

    hint: Float64Array | None
    max_angle: float | None

    def allows(self, normals: Float64Array) -> NDArray[np.bool_]:
        if self.hint is None or self.max_angle is None:
            return np.ones(len(normals), np.bool_)
        allowed: NDArray[np.bool_] = np.abs(normals @ self.hint) >= np.cos(self.max_angle)
        return allowed

    def oriented(self, plane: Plane) -> Plane:
        side = plane.offset if self.hint is None else float(plane.normal_xyz @ self.hint)
        return plane if side >= 0 else plane.flipped()


def _best_candidate(
    points: Float64Array, rng: np.random.Generator, search: tuple[int, float], wanted: _Wanted
) -> Plane | None:
    iterations, distance = search
    a, b, c = (points[rng.integers(len(points), size=iterations)] for _ in range(3))
    cross = np.cross(b - a, c - a)
    lengths = np.linalg.norm(cross, axis=1)
    spread = np.linalg.norm(b - a, axis=1) * np.linalg.norm(c - a, axis=1)
    good = lengths > 1e-3 * spread  # three points nearly on one line say nothing of the plane
    normals = cross[good] / lengths[good, None]
    allowed = wanted.allows(normals)
    normals, origins = normals[allowed], a[good][allowed]
    if not len(normals):
        return None
    scored = points if len(points) <= _SCORED_POINTS else points[rng.choice(len(points), _SCORED_POINTS, replace=False)]
    offsets = -np.einsum("ij,ij->i", normals, origins)
    counts = (np.abs(scored @ normals.T + offsets) <= distance).sum(axis=0)
    best = int(np.argmax(counts))
    return wanted.oriented(Plane(normals[best], float(offsets[best])))


def _refined(points: Float64Array, plane: Plane, distance: float, wanted: _Wanted) -> Plane:
    """Least squares on the inliers, a few times; never leaves the allowed orientations nor loses inliers."""
    count = int((np.abs(plane.signed_distance(points)) <= distance).sum())
    for _ in range(_REFINEMENTS):
        fitted = fit_plane(points[np.abs(plane.signed_distance(points)) <= distance])
        if fitted is None or not wanted.allows(fitted.normal_xyz[None])[0]:
            break
        new_count = int((np.abs(fitted.signed_distance(points)) <= distance).sum())
        if new_count < count:
            break
        plane, count = wanted.oriented(fitted), new_count
    return plane
