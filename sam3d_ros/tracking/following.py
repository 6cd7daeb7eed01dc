"""Keeping the pose of a known object with the newest depth."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3
from ..geometry.pose_batch import PoseBatch
from ..pipeline import Frame, Quality, Rejection, RejectionReason
from ..pipeline.silhouette import Sight, View
from .config import TrackingConfig
from .identity import Prediction, Sighting
from .motion import Motion
from .scene import ObjectState
from .searching import Settled, settle_all
from .steadying import Steadied

_SURE_OVERLAP = 0.5  # below it the first guess is moved to where the mask is
_FORGETTING = 0.995  # of an object's usual score from frame to frame


def follow_all(
    sightings: Sequence[Sighting], frame: Frame, T_ref_cam: SE3, config: TrackingConfig, *, fixed: bool
) -> list[Rejection]:
    """Settle the poses of known objects against the depth of their masks; reasons where they could not be settled.

    `fixed` says that the reference frame does not move with the camera, so that what rests can be held at rest. An
    object whose pose could not be settled stays where it was last measured (state UNSEEN), and its track counts one
    more bad frame; one of which hardly anything is seen stays there, too, and counts none.
    """
    for sighting in sightings:
        track = sighting.prediction.track
        track.last_seen_ns = frame.stamp_ns
        track.better_frames = track.better_frames + 1 if _is_better(sighting, frame, config) else 0
    if not config.follow:
        for sighting in sightings:
            _change(sighting, frame, state=ObjectState.COMPLETE)
        return []
    rejections, usable = [], []
    for sighting in sightings:
        if len(sighting.view.points) < config.min_follow_points:
            rejections.append(_too_few(sighting, frame, config))
        elif sighting.seen_share(frame.camera) < config.min_view:
            rejections.append(_hardly_seen(sighting, frame, config))
        else:
            usable.append(sighting)
    return rejections + _settle(usable, frame, T_ref_cam, config, fixed) if usable else rejections


def rotated_covariance(covariance: NDArray[np.float64], R_ref_cam: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pose covariances [..., 6, 6] along the axes of another frame; they turn about the object's origin in both."""
    turn = np.zeros((6, 6))
    turn[:3, :3] = turn[3:, 3:] = R_ref_cam
    turned: NDArray[np.float64] = turn @ covariance @ turn.T
    return turned


def _settle(
    sightings: Sequence[Sighting], frame: Frame, T_ref_cam: SE3, config: TrackingConfig, fixed: bool
) -> list[Rejection]:
    """Fit the poses and note those that can be believed; the reasons against the others."""
    started = time.perf_counter()
    settled = _register(sightings, frame, config)
    fits = settled.fits
    poses = fits.T_cam_obj.seen_from(T_ref_cam).poses()
    covariances = rotated_covariance(fits.covariances, T_ref_cam.rotation)
    leaps = np.linalg.norm(fits.T_cam_obj.translation_xyz - _origins(sightings), axis=1).tolist()
    latency_ms = {"follow": (time.perf_counter() - started) * 1e3 / len(sightings)}
    rejections = []
    for sighting, quality, leap, pose, covariance, searched in zip(
        sightings, fits.qualities, leaps, poses, covariances, settled.searched.tolist(), strict=True
    ):
        doubt = _doubt(quality, leap, sighting.prediction, config)
        if doubt is not None:
            rejections.append(_refused(sighting, frame, RejectionReason.LOW_DEPTH_AGREEMENT, doubt))
            continue
        track = sighting.prediction.track
        track.bad_frames = 0
        seconds = (frame.stamp_ns - track.current.stamp_ns) * 1e-9
        track.usual_score = max(quality.score, _FORGETTING * track.usual_score)
        track.motion = (
            Motion() if searched else track.motion.after(track.current.T_ref_obj, pose, seconds, covariance=covariance)
        )
        track.steadied = _steadied(track.steadied if fixed else None, Steadied(pose, covariance), seconds, config)
        moved = {
            "T_ref_obj": track.steadied.T_ref_obj,
            "covariance": covariance,
            "quality": quality,
            "latency_ms": latency_ms,
        }
        _change(sighting, frame, state=ObjectState.COMPLETE, stamp_ns=frame.stamp_ns, **moved)
    return rejections


def _is_better(sighting: Sighting, frame: Frame, config: TrackingConfig) -> bool:
    share = sighting.seen_share(frame.camera)
    return not sighting.merged and 0 < config.better_view < share


def _steadied(held: Steadied | None, measured: Steadied, seconds: float, config: TrackingConfig) -> Steadied:
    return held.after(measured, seconds) if held is not None and config.steady else measured


def _change(sighting: Sighting, frame: Frame, **changes: Any) -> None:
    """Note under which label an object is seen and what else changed."""
    track, label = sighting.prediction.track, sighting.view.label
    detection = frame.detections.get(label, track.current.detection)
    track.current = replace(track.current, label=label, detection=detection, **changes)


def _register(sightings: Sequence[Sighting], frame: Frame, config: TrackingConfig) -> Settled:
    jobs = [
        (sighting.prediction.target, Sight(sighting.view.points, sighting.view.label, sighting.view.box))
        for sighting in sightings
    ]
    view = View(frame.labels, frame.camera, frame.pointmap[..., 2])
    return settle_all(sightings, jobs, _first_poses(sightings), view, config.registration)


def _first_poses(sightings: Sequence[Sighting]) -> PoseBatch:
    """The predicted poses; where a mask lies elsewhere, shifted so that the visible side is under its points."""
    p_cam = _origins(sightings)
    for row, sighting in zip(p_cam, sightings, strict=True):
        if sighting.overlap < _SURE_OVERLAP:
            row += sighting.view.centre - sighting.prediction.visible_centre
    return PoseBatch(np.array([sighting.prediction.R_cam_obj for sighting in sightings]), p_cam)


def _origins(sightings: Sequence[Sighting]) -> NDArray[np.float64]:
    """Where the objects are expected [O, 3], camera optical frame."""
    return np.array([sighting.prediction.p_cam_obj for sighting in sightings])


def _too_few(sighting: Sighting, frame: Frame, config: TrackingConfig) -> Rejection:
    count = len(sighting.view.points)
    detail = f"{count} points to follow the object with, min_follow_points is {config.min_follow_points}"
    return _refused(sighting, frame, RejectionReason.TOO_FEW_DEPTH_POINTS, detail)


def _hardly_seen(sighting: Sighting, frame: Frame, config: TrackingConfig) -> Rejection:
    share = f"{sighting.seen_share(frame.camera):.1%} of the area from which the mesh was made is seen"
    detail = f"{share}, min_view is {config.min_view:.0%}"
    return _stays(sighting, frame, RejectionReason.TOO_FEW_DEPTH_POINTS, detail)


def _refused(sighting: Sighting, frame: Frame, reason: RejectionReason, detail: str) -> Rejection:
    sighting.prediction.track.bad_frames += not sighting.merged
    return _stays(sighting, frame, reason, detail)


def _stays(sighting: Sighting, frame: Frame, reason: RejectionReason, detail: str) -> Rejection:
    _change(sighting, frame, state=ObjectState.UNSEEN)
    object_id = sighting.prediction.track.object_id
    return Rejection(sighting.view.label, reason, f"{detail}; object {object_id} stays at its last pose")


def _doubt(quality: Quality, leap: float, prediction: Prediction, config: TrackingConfig) -> str | None:
    """Why the pose cannot be believed: too few points on the mesh, a large residual, a leap of so many metres."""
    if quality.inlier_ratio < config.min_inlier_ratio:
        share = f"{quality.inlier_ratio:.0%} of the depth points lie on the mesh"
        return f"{share}, min_inlier_ratio is {config.min_inlier_ratio:.0%}"
    if not quality.residual_rms <= config.max_residual:
        return f"residual {quality.residual_rms * 1e3:.1f} mm, max_residual is {config.max_residual * 1e3:.1f} mm"
    if quality.mask_iou < config.min_mask_iou:
        return f"outline and mask overlap by {quality.mask_iou:.0%}, min_mask_iou is {config.min_mask_iou:.0%}"
    reach = prediction.reach(config.max_speed)
    return f"it would have moved by {leap:.2f} m, {reach:.2f} m is possible (max_speed)" if leap > reach else None
