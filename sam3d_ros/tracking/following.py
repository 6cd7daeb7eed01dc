"""Keeping the pose of a known object with the newest depth."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3
from ..pipeline import Frame, Rejection, RejectionReason
from ..pipeline.registration import Registration, register_all
from ..pipeline.silhouette import Sight
from .config import TrackingConfig
from .identity import Prediction, Sighting
from .scene import ObjectState, SceneObject

_SURE_OVERLAP = 0.5  # below it the first guess is moved to where the mask is


def follow_all(sightings: Sequence[Sighting], frame: Frame, T_ref_cam: SE3, config: TrackingConfig) -> list[Rejection]:
    """Settle the poses of known objects against the depth of their masks; reasons where they could not be settled.

    Such an object stays where it was last measured (state UNSEEN), and its track counts one more bad frame.
    """
    for sighting in sightings:
        _note_seen(sighting, frame)
    if not config.follow:
        return []
    started = time.perf_counter()
    usable = [sighting for sighting in sightings if len(sighting.view.points) >= config.min_follow_points]
    fits = _register(usable, frame, config)
    latency_ms = {"follow": (time.perf_counter() - started) * 1e3 / max(len(usable), 1)}
    rejections = [_too_few(sighting, config) for sighting in sightings if sighting not in usable]
    for sighting, fitted in zip(usable, fits, strict=True):
        doubt = _doubt(fitted, sighting.prediction, config)
        if doubt is None:
            track = sighting.prediction.track
            track.bad_frames = 0
            track.current = replace(_moved(track.current, fitted, T_ref_cam, frame.stamp_ns), latency_ms=latency_ms)
        else:
            rejections.append(_refused(sighting, RejectionReason.LOW_DEPTH_AGREEMENT, doubt))
    return rejections


def rotated_covariance(covariance: NDArray[np.float64], R_ref_cam: NDArray[np.float64]) -> NDArray[np.float64]:
    """A pose covariance [6, 6] along the axes of another frame; it turns about the object's origin in both."""
    turn = np.zeros((6, 6))
    turn[:3, :3] = turn[3:, 3:] = R_ref_cam
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


def _note_seen(sighting: Sighting, frame: Frame) -> None:
    track, label = sighting.prediction.track, sighting.view.label
    detection = frame.detections.get(label, track.current.detection)
    track.last_seen_ns = frame.stamp_ns
    track.current = replace(track.current, label=label, detection=detection, state=ObjectState.COMPLETE)


def _register(sightings: Sequence[Sighting], frame: Frame, config: TrackingConfig) -> list[Registration]:
    jobs = [
        (
            sighting.prediction.target,
            _first_pose(sighting),
            Sight(sighting.view.points, frame.labels, sighting.view.label, sighting.view.box, frame.pointmap[..., 2]),
        )
        for sighting in sightings
    ]
    return register_all(jobs, frame.camera, config.registration)


def _first_pose(sighting: Sighting) -> SE3:
    """The predicted pose; where the mask lies elsewhere, shifted so that the visible side is under its points."""
    prediction = sighting.prediction
    if sighting.overlap >= _SURE_OVERLAP:
        return prediction.T_cam_obj
    shift = sighting.view.centre - prediction.visible_centre
    return SE3(prediction.T_cam_obj.quat_wxyz, prediction.T_cam_obj.translation_xyz + shift)


def _too_few(sighting: Sighting, config: TrackingConfig) -> Rejection:
    count = len(sighting.view.points)
    detail = f"{count} points to follow the object with, min_follow_points is {config.min_follow_points}"
    return _refused(sighting, RejectionReason.TOO_FEW_DEPTH_POINTS, detail)


def _refused(sighting: Sighting, reason: RejectionReason, detail: str) -> Rejection:
    track = sighting.prediction.track
    track.bad_frames += 1
    track.current = replace(track.current, state=ObjectState.UNSEEN)
    return Rejection(sighting.view.label, reason, f"{detail}; object {track.object_id} stays at its last pose")


def _doubt(fitted: Registration, prediction: Prediction, config: TrackingConfig) -> str | None:
    """Why the pose cannot be believed: too few points on the mesh, a large residual, a leap."""
    quality = fitted.quality
    if quality.inlier_ratio < config.min_inlier_ratio:
        share = f"{quality.inlier_ratio:.0%} of the depth points lie on the mesh"
        return f"{share}, min_inlier_ratio is {config.min_inlier_ratio:.0%}"
    if not quality.residual_rms <= config.max_residual:
        return f"residual {quality.residual_rms * 1e3:.1f} mm, max_residual is {config.max_residual * 1e3:.1f} mm"
    if quality.mask_iou < config.min_mask_iou:
        return f"outline and mask overlap by {quality.mask_iou:.0%}, min_mask_iou is {config.min_mask_iou:.0%}"
    leap = float(np.linalg.norm(fitted.T_cam_obj.translation_xyz - prediction.T_cam_obj.translation_xyz))
    reach = prediction.reach(config.max_speed)
    return f"it would have moved by {leap:.2f} m, {reach:.2f} m is possible (max_speed)" if leap > reach else None
