"""Keeping the pose of a known object with the newest depth."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3
from ..pipeline import Frame, Rejection, RejectionReason
from ..pipeline.registration import Registration
from .config import TrackingConfig
from .identity import Prediction, Sighting
from .masks import MaskView
from .scene import ObjectState, SceneObject

_SURE_OVERLAP = 0.5  # below it the first guess is moved to where the mask is


def follow(sighting: Sighting, frame: Frame, T_ref_cam: SE3, config: TrackingConfig) -> Rejection | None:
    """Settle the pose of one object against its mask's depth; a reason where it could not be settled.

    Then the object stays where it was last measured (state UNSEEN), and its track counts one more bad frame.
    """
    track = sighting.prediction.track
    label = sighting.view.label
    track.last_seen_ns = frame.stamp_ns
    detection = frame.detections.get(label, track.current.detection)
    seen = replace(track.current, label=label, detection=detection)
    if not config.follow:
        track.current = replace(seen, state=ObjectState.COMPLETE)
        return None
    started = time.perf_counter()
    fitted = _settle(sighting, frame, config)
    if isinstance(fitted, Rejection):
        track.bad_frames += 1
        track.current = replace(seen, state=ObjectState.UNSEEN)
        return fitted
    track.bad_frames = 0
    elapsed_ms = (time.perf_counter() - started) * 1e3
    track.current = replace(_moved(seen, fitted, T_ref_cam, frame.stamp_ns), latency_ms={"follow": elapsed_ms})
    return None


def rotated_covariance(covariance: NDArray[np.float64], R_ref_cam: NDArray[np.float64]) -> NDArray[np.float64]:
    """A pose covariance [6, 6] along the axes of another frame; it turns about the object's origin in both."""
    turn = np.kron(np.eye(2), R_ref_cam)
    turned: NDArray[np.float64] = turn @ covariance @ turn.T
    return turned


def _moved(seen: SceneObject, fitted: Registration, T_ref_cam: SE3, stamp_ns: int) -> SceneObject:
    return replace(
        seen,
        state=ObjectState.COMPLETE,
        T_ref_obj=T_ref_cam @ fitted.T_cam_obj,
        covariance=rotated_covariance(fitted.covariance, T_ref_cam.rotation),
        quality=fitted.quality,
        stamp_ns=stamp_ns,
    )


def _settle(sighting: Sighting, frame: Frame, config: TrackingConfig) -> Registration | Rejection:
    prediction, view = sighting.prediction, sighting.view
    if len(view.points) < config.min_follow_points:
        detail = f"{len(view.points)} points to follow the object with, min_follow_points is {config.min_follow_points}"
        return Rejection(view.label, RejectionReason.TOO_FEW_DEPTH_POINTS, detail)
    start = prediction.T_cam_obj if sighting.overlap >= _SURE_OVERLAP else _moved_to_mask(prediction, view)
    fitted = prediction.target.register(
        view.points, start, frame.camera, labels=frame.labels, label=view.label, box=view.box
    )
    doubt = _doubt(fitted, prediction, config)
    if doubt is None:
        return fitted
    return Rejection(view.label, RejectionReason.LOW_DEPTH_AGREEMENT, f"{doubt}; the object stays at its last pose")


def _moved_to_mask(prediction: Prediction, view: MaskView) -> SE3:
    """The predicted pose, shifted so that the visible side lies where the mask's points are."""
    pose = prediction.T_cam_obj
    shift = np.median(view.points, axis=0) - prediction.visible_centre
    return SE3(pose.quat_wxyz, pose.translation_xyz + shift)


def _doubt(fitted: Registration, prediction: Prediction, config: TrackingConfig) -> str | None:
    """Why the pose cannot be believed: too few points on the mesh, a large residual, a leap."""
    quality = fitted.quality
    if quality.inlier_ratio < config.min_inlier_ratio:
        share = f"{quality.inlier_ratio:.0%} of the depth points lie on the mesh"
        return f"{share}, min_inlier_ratio is {config.min_inlier_ratio:.0%}"
    if not quality.residual_rms <= config.max_residual:
        return f"residual {quality.residual_rms * 1e3:.1f} mm, max_residual is {config.max_residual * 1e3:.1f} mm"
    leap = float(np.linalg.norm(fitted.T_cam_obj.translation_xyz - prediction.T_cam_obj.translation_xyz))
    reach = prediction.reach(config.max_speed)
    return f"it would have moved by {leap:.2f} m, {reach:.2f} m is possible (max_speed)" if leap > reach else None
