"""How close an estimated shape or pose is to the true one: the field's standard figures, in metres and radians."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull, QhullError, cKDTree
from scipy.spatial.distance import cdist

from .transforms import SE3
from .volume import hidden_from_camera, volumetric_iou

__all__ = [
    "FScore",
    "MetricError",
    "add",
    "add_s",
    "chamfer_distance",
    "deeply_hidden",
    "diameter",
    "f_score",
    "hidden_from_camera",
    "hidden_surface_recall",
    "nearest_distances",
    "rotation_error",
    "scale_error",
    "translation_error",
    "volumetric_iou",
]

Float64Array = NDArray[np.float64]

_BLOCK = 256  # points compared at once; bounds the memory of a diameter


class MetricError(ValueError):
    """A figure was asked of nothing."""


def nearest_distances(points: ArrayLike, reference: ArrayLike) -> Float64Array:
    """Distance [N] in metres from each of the points [N, 3] to the nearest of the reference points [M, 3]."""
    distances: Float64Array = cKDTree(_cloud(reference)).query(_cloud(points))[0]
    return distances


def chamfer_distance(a: ArrayLike, b: ArrayLike) -> float:
    """Mean of the two directed mean distances, a to b and b to a, in metres; not squared, not summed.

    Papers differ by a factor of two and by squares; this is the form whose value reads as a mean surface error.
    """
    return float((nearest_distances(a, b).mean() + nearest_distances(b, a).mean()) / 2)


@dataclass(frozen=True, slots=True)
class FScore:
    """Shares 0-1 of points within the threshold."""

    score: float  # harmonic mean of both
    precision: float  # of the estimate's points, near the truth
    recall: float  # of the truth's points, near the estimate


def f_score(estimate: ArrayLike, truth: ArrayLike, threshold: float) -> FScore:
    """Precision, recall and F-score at `threshold` metres of surface points [N, 3] against true ones [M, 3].

    Knapitsch et al., Tanks and Temples, ACM Transactions on Graphics 2017, section 4.
    """
    precision = float((nearest_distances(estimate, truth) < threshold).mean())
    recall = float((nearest_distances(truth, estimate) < threshold).mean())
    total = precision + recall
    return FScore(2 * precision * recall / total if total > 0 else 0.0, precision, recall)


def hidden_surface_recall(
    estimate: ArrayLike, truth: ArrayLike, hidden: NDArray[np.bool_], *, threshold: float
) -> float:
    """Share 0-1 of the true surface points [M, 3] marked hidden [M] that the estimate [N, 3] covers within `threshold`.

    What the camera could not see is what completion is for; `hidden_from_camera` marks it. NaN where nothing is hidden.
    """
    unseen = _cloud(truth)[hidden]
    return float((nearest_distances(unseen, estimate) < threshold).mean()) if len(unseen) else float("nan")


def deeply_hidden(points: ArrayLike, hidden: NDArray[np.bool_], margin: float) -> NDArray[np.bool_]:
    """Which of the surface points [N, 3] are hidden [N] and more than `margin` metres from every seen one, [N].

    Thin things hide their far side just behind the near one, where the seen points alone come close to it. What is
    left here nobody finds who does not complete the shape. All hidden points count where nothing is seen.
    """
    cloud = _cloud(points)
    deep: NDArray[np.bool_] = hidden.copy()
    if hidden.any() and not hidden.all():
        deep[hidden] = nearest_distances(cloud[hidden], cloud[~hidden]) > margin
    return deep


def add(points: ArrayLike, T_est: SE3, T_true: SE3) -> float:
    """Average distance in metres of model points [N, 3] under two poses, point by point.

    Hinterstoisser et al., ACCV 2012, section 4.1.
    """
    return float(np.linalg.norm(T_est.apply(_cloud(points)) - T_true.apply(_cloud(points)), axis=1).mean())


def add_s(points: ArrayLike, T_est: SE3, T_true: SE3) -> float:
    """Average distance in metres from each true model point to the nearest estimated one: for symmetric objects.

    Xiang et al., PoseCNN, RSS 2018, equation 7 (ADD-S).
    """
    model = _cloud(points)
    return float(nearest_distances(T_true.apply(model), T_est.apply(model)).mean())


def diameter(points: ArrayLike) -> float:
    """Largest distance in metres between two of the points [N, 3]."""
    extreme = _far_out(_extreme_points(_cloud(points)))
    return max(float(cdist(extreme[i : i + _BLOCK], extreme[i:]).max()) for i in range(0, len(extreme), _BLOCK))


def rotation_error(T_est: SE3, T_true: SE3) -> float:
    """Angle in radians, 0 to pi, of the rotation between two poses."""
    difference = (T_true.inverse() @ T_est).quat_wxyz
    return float(2 * np.arctan2(np.linalg.norm(difference[1:]), abs(difference[0])))


def translation_error(T_est: SE3, T_true: SE3) -> float:
    """Distance in metres between the origins of two poses."""
    return float(np.linalg.norm(T_est.translation_xyz - T_true.translation_xyz))


def scale_error(estimate: float, truth: float) -> float:
    """Relative error of a scale, the same for too large and too small by a factor: 0.1 means 1.1 or 1 / 1.1."""
    if estimate <= 0 or truth <= 0:
        raise MetricError(f"scales must be positive, got {estimate} and {truth}")
    return max(estimate / truth, truth / estimate) - 1


def _cloud(points: ArrayLike) -> Float64Array:
    array = np.asarray(points, np.float64)
    if array.ndim != 2 or array.shape[1] != 3 or not len(array) or not np.isfinite(array).all():
        raise MetricError(f"a metric needs finite points of shape [N, 3] with N > 0, got shape {list(array.shape)}")
    return array


def _far_out(points: Float64Array) -> Float64Array:
    """The points that can be an end of the diameter: those that reach at least as far as a distance already found.

    No point is farther from p than |p - centre| plus the largest distance from the centre.
    """
    radii = np.linalg.norm(points - points.mean(axis=0), axis=1)
    first = points[np.argmax(radii)]
    known = np.linalg.norm(points - first, axis=1).max()
    kept: Float64Array = points[radii + radii.max() >= known * (1 - 1e-9)]
    return kept


def _extreme_points(points: Float64Array) -> Float64Array:
    """The corners of the convex hull, where the two farthest points are; within their plane or line for flat clouds."""
    centred = points - points.mean(axis=0)
    _, spreads, axes = np.linalg.svd(centred.T @ centred)
    rank = int((spreads > 1e-12 * max(spreads[0], 1e-300)).sum())
    if rank < 2:
        along = centred @ axes[0]
        return points[[int(along.argmin()), int(along.argmax())]]
    try:
        corners: Float64Array = points[ConvexHull(centred @ axes[:rank].T).vertices]
        return corners
    except QhullError:  # fewer points than a hull needs, or flat to within rounding
        return points
