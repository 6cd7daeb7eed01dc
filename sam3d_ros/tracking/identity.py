"""Which mask shows which known object."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ..geometry import SE3
from ..pipeline import Frame
from ..pipeline.registration import RegistrationTarget
from ..pipeline.surface_model import VisibleSide
from .config import TrackingConfig
from .masks import MaskView
from .table import Track

_PROBES = 150  # samples of an object's visible side that are looked up in the label image
_DISTANCE_POINTS = 60  # points of a mask whose distance from an object is measured


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Where a known object is expected in this frame, camera optical frame."""

    track: Track
    target: RegistrationTarget
    T_cam_obj: SE3
    R_cam_obj: NDArray[np.float64]  # [3, 3] of the same pose, which makes it from a quaternion at each call
    side: VisibleSide
    visible_centre: NDArray[np.float64]  # [3] median of the visible side
    since_s: float  # time since the pose was measured

    def reach(self, max_speed: float) -> float:
        """How far from here the object can be and still be the same one, metres."""
        return 0.5 * self.target.surface.diameter + max_speed * self.since_s

    def in_camera(self, p_obj: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points [..., 3] of the object frame in the camera optical frame."""
        p_cam: NDArray[np.float64] = p_obj @ self.R_cam_obj.T + self.T_cam_obj.translation_xyz
        return p_cam

    def in_object(self, p_cam: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points [..., 3] of the camera optical frame in the object frame."""
        p_obj: NDArray[np.float64] = (p_cam - self.T_cam_obj.translation_xyz) @ self.R_cam_obj
        return p_obj


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A mask that shows a known object; `overlap` is near 0 where only the label speaks for it."""

    prediction: Prediction
    view: MaskView
    overlap: float


def predict(track: Track, stamp_ns: int, T_cam_ref: SE3) -> Prediction | None:
    """The object where it was last measured, seen from the camera of now; None while its mesh is only coarse."""
    if track.target is None:
        return None
    T_cam_obj = T_cam_ref @ track.current.T_ref_obj
    R = T_cam_obj.rotation
    side = track.target.surface.visible_side(T_cam_obj)
    centre = R @ side.centre + T_cam_obj.translation_xyz
    since_s = max(0.0, (stamp_ns - track.current.stamp_ns) * 1e-9)
    return Prediction(track, track.target, T_cam_obj, R, side, centre, since_s)


def associate(
    predictions: Sequence[Prediction], masks: Mapping[int, MaskView], frame: Frame, config: TrackingConfig
) -> list[Sighting]:
    """The best pairing of known objects and masks as a whole: no mask and no object is used twice.

    The score of a pair is its overlap plus a bonus where the label is the object's last one. A pair counts where the
    overlap is large enough, or where the label is the same and the object can have got there.
    """
    views = [masks[label] for label in sorted(masks)]
    overlap = np.zeros((len(predictions), len(views)))
    score = np.full(overlap.shape, -1.0)
    for i, prediction in enumerate(predictions):
        shares = _label_shares(prediction, frame)
        for j in _candidates(prediction, views, shares, config):
            overlap[i, j] = _overlap(prediction, views[j], shares.get(views[j].label, 0.0))
            score[i, j] = _score(prediction, views[j], overlap[i, j], config)
    rows, columns = linear_sum_assignment(score, maximize=True)
    return [
        Sighting(predictions[i], views[j], float(overlap[i, j]))
        for i, j in zip(rows, columns, strict=True)
        if score[i, j] > 0
    ]


def _candidates(
    prediction: Prediction, views: Sequence[MaskView], shares: Mapping[int, float], config: TrackingConfig
) -> list[int]:
    """Masks that can show the object: under its expected outline, or within its reach."""
    reach = prediction.reach(config.max_speed)
    return [
        j
        for j, view in enumerate(views)
        if (distance := _distance(prediction, view)) <= reach or (view.label in shares and not distance > 2 * reach)
    ]


def _score(prediction: Prediction, view: MaskView, overlap: float, config: TrackingConfig) -> float:
    """Above 0 where the mask may show the object."""
    same_label = view.label == prediction.track.current.label
    if overlap >= config.min_overlap:
        return overlap + (config.same_label_bonus if same_label else 0.0)
    if same_label and _distance(prediction, view) <= prediction.reach(config.max_speed):
        return overlap + 1e-3
    return -1.0


def _overlap(prediction: Prediction, view: MaskView, share: float) -> float:
    """Agreement, 0 to 1, of a mask and a known object at its expected pose.

    Two shares count: of the object's visible side that lies in the mask, and of the mask's points that lie on the
    object. An object half hidden by another one does not fill its expected outline, so the better figure weighs more. A
    mask without depth is judged by the outline alone.
    """
    if not len(view.points):
        return share
    p_obj = prediction.in_object(view.points[:: max(1, len(view.points) // _DISTANCE_POINTS)])
    distance = np.linalg.norm(p_obj - prediction.side.points[prediction.side.nearest(p_obj)], axis=1)
    limit = 2 * prediction.target.inlier_distance(float(prediction.visible_centre[2]))
    covered = np.count_nonzero(distance <= limit + prediction.target.surface.spacing) / len(p_obj)
    return 0.7 * max(share, covered) + 0.3 * min(share, covered) if covered > 0 else 0.0


def _label_shares(prediction: Prediction, frame: Frame) -> dict[int, float]:
    """For each label the share of the object's visible samples that fall on it in the image."""
    points = prediction.side.points
    samples = points[:: max(1, len(points) // _PROBES)]
    pixels = frame.camera.project(prediction.in_camera(samples))
    u, v = np.rint(pixels[np.isfinite(pixels[:, 0])]).astype(np.int64).T
    inside = (u >= 0) & (v >= 0) & (u < frame.camera.width) & (v < frame.camera.height)
    counts = Counter(frame.labels[v[inside], u[inside]].tolist())
    return {label: count / len(samples) for label, count in counts.items() if label != 0}


def _distance(prediction: Prediction, view: MaskView) -> float:
    """Between the middle of the mask's points and of the object's visible side, metres; NaN without points."""
    return math.dist(view.centre, prediction.visible_centre)
