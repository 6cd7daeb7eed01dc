"""Pose errors of the BOP benchmark: how far an estimated pose of a known model is from the true one.

Hodan et al., BOP: Benchmark for 6D Object Pose Estimation, ECCV 2018, and BOP Challenge 2020 on 6D Object Localization,
ECCV workshops 2020. ADD and ADD-S are in `metrics`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .camera import PinholeCamera
from .metrics import MetricError
from .transforms import SE3

Float64Array = NDArray[np.float64]

BOP_SHARES = tuple(number / 20 for number in range(1, 11))  # 0.05 to 0.5: tolerances and thresholds of the challenge
BOP_DELTA = 0.015  # metres; tolerance of visibility
_BOP_PIXELS = tuple(range(5, 51, 5))  # thresholds for an image 640 pixels wide
_BOP_WIDTH = 640


def mssd(points: ArrayLike, T_est: SE3, T_true: SE3, symmetries: Sequence[SE3]) -> float:
    """Maximum symmetry-aware surface distance in metres of model points [N, 3] under two poses.

    The farthest any point ends up from its true place, for the symmetry that makes it least.
    """
    model = _points(points)
    estimate = T_est.apply(model)
    return min(_farthest(estimate, (T_true @ symmetry).apply(model)) for symmetry in symmetries)


def mspd(points: ArrayLike, T_cam_est: SE3, T_cam_true: SE3, camera: PinholeCamera, symmetries: Sequence[SE3]) -> float:
    """Maximum symmetry-aware projection distance in pixels of model points [N, 3] under two poses.

    Infinite where a point of the estimate is not in front of the camera.
    """
    model = _points(points)
    estimate = camera.project(T_cam_est.apply(model))
    if not np.isfinite(estimate).all():
        return float("inf")
    return min(_farthest(estimate, camera.project((T_cam_true @ symmetry).apply(model))) for symmetry in symmetries)


@dataclass(frozen=True, slots=True, eq=False)
class DepthViews:
    """Three depth images [H, W] of one camera, metres along the optical axis, NaN where there is nothing."""

    camera: PinholeCamera
    estimate: NDArray[np.floating]  # the object alone as estimated
    truth: NDArray[np.floating]  # the object alone as it is
    scene: NDArray[np.floating]  # what the camera measured

    def distances(self) -> tuple[Float64Array, Float64Array, Float64Array]:
        """Estimate, truth and scene as distances from the camera centre, 0 where there is nothing."""
        stretch = np.linalg.norm(self.camera.rays(), axis=-1)
        estimate, truth, scene = (np.nan_to_num(view * stretch) for view in (self.estimate, self.truth, self.scene))
        return estimate, truth, scene


def vsd(views: DepthViews, taus: ArrayLike, *, delta: float = BOP_DELTA) -> Float64Array:
    """Visible surface discrepancy, 0-1, for each misalignment tolerance of `taus` in metres.

    Share of the pixels where either surface is visible that are wrong: seen of one only, or `tau` or more apart (the
    step cost). A surface is visible up to `delta` metres behind the measured one and where nothing was measured, and
    the estimate also where the truth is visible. 1 where neither is visible.
    """
    estimate, truth, scene = views.distances()
    seen_true = _visible(truth, scene, delta)
    seen_estimate = _visible(estimate, scene, delta) | (seen_true & (estimate > 0))
    both, either = seen_true & seen_estimate, seen_true | seen_estimate
    if not either.any():
        return np.ones(np.shape(taus))
    apart = np.abs(truth[both] - estimate[both])
    unmatched = int(either.sum() - both.sum())
    return np.array(
        [(int((apart >= tau).sum()) + unmatched) / int(either.sum()) for tau in np.asarray(taus, np.float64)]
    )


def bop_recall(vsd_errors: ArrayLike, mssd_in_diameters: float, mspd_px: float, *, width: int) -> float:
    """Mean 0-1 of the shares of BOP's thresholds that VSD, MSSD and MSPD of one object stay below.

    `vsd_errors` are those of the tolerances `BOP_SHARES`, `width` is that of the image in pixels. The mean of this over
    all objects is the challenge's average recall.
    """
    shares = np.array(BOP_SHARES)
    recalls = (
        np.mean(np.asarray(vsd_errors, np.float64)[:, None] < shares),
        np.mean(mssd_in_diameters < shares),
        np.mean(mspd_px < np.array(_BOP_PIXELS) * width / _BOP_WIDTH),
    )
    return float(np.mean(recalls))


def _visible(surface: Float64Array, scene: Float64Array, delta: float) -> NDArray[np.bool_]:
    visible: NDArray[np.bool_] = (surface > 0) & ((surface - scene <= delta) | (scene == 0))
    return visible


def _farthest(a: Float64Array, b: Float64Array) -> float:
    return float(np.linalg.norm(a - b, axis=1).max())


def _points(points: ArrayLike) -> Float64Array:
    array = np.asarray(points, np.float64)
    if array.ndim != 2 or array.shape[1] != 3 or not len(array):
        raise MetricError(f"a pose error needs model points of shape [N, 3] with N > 0, got {list(array.shape)}")
    return array
