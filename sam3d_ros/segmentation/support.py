"""The plane that objects stand on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from ..geometry.plane import Plane, fit_plane_ransac
from .config import TabletopConfig

_STRIDE = 8  # pixels between the readings in which planes are looked for
_ITERATIONS = 150
_CANDIDATES = 3
_COMPARABLE = 0.35  # of the largest plane's readings: smaller ones are no rivals
_PARALLEL_COSINE = np.cos(np.deg2rad(12))
_FEWEST_READINGS = 60


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """A plane whose normal points up to the camera's side, and the convex outline of what is seen of it."""

    plane: Plane
    axes: NDArray[np.float64]  # [2, 3] directions along the plane
    outline: NDArray[np.float64]  # [E, 3] half planes a, b, c in these axes: inside where a x + b y + c <= 0

    def beside(self, points: NDArray[np.floating]) -> NDArray[np.floating]:
        """How far points [N, 3] stand out over the outline, seen along the normal; negative inside; metres."""
        flat = points @ self.axes.T.astype(points.dtype)
        edges = self.outline.astype(points.dtype)
        distance: NDArray[np.floating] = (edges[:, :2] @ flat.T + edges[:, 2:]).max(axis=0)
        return distance


@dataclass(frozen=True, slots=True)
class NoTabletop:
    """Why there are no masks."""

    reason: str


def find_support(pointmap: NDArray[np.float32], config: TabletopConfig) -> Support | NoTabletop:
    """The plane objects stand on: of the large planes in view the one that is most level for the camera.

    Nothing is known of gravity, so "level" means facing the upper side of the image; a camera that looks straight down
    sees only one large plane.
    """
    grid = pointmap[::_STRIDE, ::_STRIDE].reshape(-1, 3)
    with np.errstate(invalid="ignore"):
        left = grid[(grid[:, 2] >= config.min_depth) & (grid[:, 2] <= config.max_depth)].astype(np.float64)
    total = len(left)
    if total < _FEWEST_READINGS:
        limits = f"{config.min_depth:g} m to {config.max_depth:g} m"
        return NoTabletop(f"no support plane: only {total} of {len(grid)} depth readings lie within {limits}")
    candidates = _candidates(left, config)
    largest = max((len(points) for _, points in candidates), default=0)
    enough = config.min_plane_share * total
    if largest < enough:
        share = f"the largest plane holds {largest / total:.0%} of the depth readings"
        return NoTabletop(f"no support plane: {share}, min_plane_share is {config.min_plane_share:.0%}")
    rivals = [(plane, points) for plane, points in candidates if len(points) >= _COMPARABLE * largest]
    level = min(rivals, key=lambda rival: rival[0].normal_xyz[1])
    below = [found for found in candidates if len(found[1]) >= enough and _carries(found[0], level[0], config)]
    return _outlined(*max([level, *below], key=lambda found: found[0].offset))


def _carries(lower: Plane, upper: Plane, config: TabletopConfig) -> bool:
    """Whether a plane can be the support of a parallel one: the table under the covers of large books.

    What lies deeper than the highest object is the floor.
    """
    parallel = float(lower.normal_xyz @ upper.normal_xyz) > _PARALLEL_COSINE
    return parallel and 0 < lower.offset - upper.offset < config.max_height


def _candidates(left: NDArray[np.float64], config: TabletopConfig) -> list[tuple[Plane, NDArray[np.float64]]]:
    """The largest planes one after another, each with its readings; normals point to the camera."""
    found = []
    distance = config.plane_distance * float(np.clip(np.median(left[:, 2]) ** 2, 0.5, 4.0))
    for _ in range(_CANDIDATES):
        fit = fit_plane_ransac(left, distance=distance, iterations=_ITERATIONS, seed=config.seed)
        if fit is None:
            break
        found.append((fit.plane, left[fit.inliers]))
        left = left[np.abs(fit.plane.signed_distance(left)) > 2 * distance]
        if len(left) < _FEWEST_READINGS:
            break
    return found


def _outlined(plane: Plane, points: NDArray[np.float64]) -> Support | NoTabletop:
    normal = plane.normal_xyz
    first = np.cross(normal, np.eye(3)[np.argmin(np.abs(normal))])
    first /= np.linalg.norm(first)
    axes = np.stack([first, np.cross(normal, first)])
    try:
        hull = ConvexHull(points @ axes.T)
    except QhullError as error:
        return NoTabletop(f"no support plane: its readings span no area ({str(error).splitlines()[0]})")
    return Support(plane, axes, hull.equations)
