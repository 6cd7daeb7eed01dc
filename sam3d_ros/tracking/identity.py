"""Which mask shows which known object."""

from __future__ import annotations

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

Pairs = NDArray[np.float64]  # [objects, masks]


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
    if not predictions or not views:
        return []
    shares = _label_shares(predictions, views, frame)
    distances = _distances(predictions, views)
    reaches = np.array([prediction.reach(config.max_speed) for prediction in predictions])[:, None]
    overlap = np.zeros(shares.shape)
    candidates = _candidates(shares, distances, reaches)
    for i, j in np.argwhere(candidates).tolist():
        overlap[i, j] = _overlap(predictions[i], views[j], float(shares[i, j]))
    same_label = _same_label(predictions, views)
    scores = _scores(overlap, same_label, same_label & (distances <= reaches), config)
    score = np.where(candidates, scores, -1.0)
    rows, columns = linear_sum_assignment(score, maximize=True)
    return [
        Sighting(predictions[i], views[j], float(overlap[i, j]))
        for i, j in zip(rows, columns, strict=True)
        if score[i, j] > 0
    ]


def _candidates(shares: Pairs, distances: Pairs, reaches: Pairs) -> NDArray[np.bool_]:
    """Pairs that can belong together: the mask is under the object's expected outline, or within its reach."""
    candidates: NDArray[np.bool_] = (distances <= reaches) | ((shares > 0) & ~(distances > 2 * reaches))
    return candidates


def _scores(
    overlap: Pairs, same_label: NDArray[np.bool_], by_label: NDArray[np.bool_], config: TrackingConfig
) -> Pairs:
    """Above 0 where the mask may show the object, be it for its label alone (`by_label`)."""
    without_overlap = np.where(by_label, overlap + 1e-3, -1.0)
    with_overlap = overlap + config.same_label_bonus * same_label
    scores: Pairs = np.where(overlap >= config.min_overlap, with_overlap, without_overlap)
    return scores


def _same_label(predictions: Sequence[Prediction], views: Sequence[MaskView]) -> NDArray[np.bool_]:
    last = np.array([prediction.track.current.label for prediction in predictions])
    same: NDArray[np.bool_] = last[:, None] == np.array([view.label for view in views])
    return same


def _overlap(prediction: Prediction, view: MaskView, share: float) -> float:
    """Agreement, 0 to 1, of a mask and a known object at its expected pose.

    Two shares count: of the object's visible side that lies in the mask, and of the mask's points that lie on the
    object. An object half hidden by another one does not fill its expected outline, so the better figure weighs more. A
    mask without depth is judged by the outline alone.
    """
    if not len(view.points):
        return share
    p_obj = prediction.in_object(view.points[:: -(-len(view.points) // _DISTANCE_POINTS)])
    offset = p_obj - prediction.side.points[prediction.side.nearest(p_obj)]
    distance = np.sqrt(np.einsum("ij,ij->i", offset, offset))
    limit = 2 * prediction.target.inlier_distance(float(prediction.visible_centre[2]))
    covered = np.count_nonzero(distance <= limit + prediction.target.surface.spacing) / len(p_obj)
    return 0.7 * max(share, covered) + 0.3 * min(share, covered) if covered > 0 else 0.0


def _label_shares(predictions: Sequence[Prediction], views: Sequence[MaskView], frame: Frame) -> Pairs:
    """Share of each object's visible samples that fall on each mask in the image."""
    sides = [prediction.side.points for prediction in predictions]
    samples = np.stack([points[np.arange(_PROBES) * len(points) // _PROBES] for points in sides])
    R = np.stack([prediction.R_cam_obj for prediction in predictions])
    t = np.stack([prediction.T_cam_obj.translation_xyz for prediction in predictions])
    pixels = frame.camera.project(samples @ R.transpose(0, 2, 1) + t[:, None])
    size = np.array([frame.camera.width, frame.camera.height])
    with np.errstate(invalid="ignore"):  # NaN, behind the camera, is not inside
        inside: NDArray[np.bool_] = np.all((pixels > -0.5) & (pixels < size - 0.5), axis=2)
    u, v = np.rint(np.where(inside[..., None], pixels, 0.0)).astype(np.int64).transpose(2, 0, 1)
    labels = np.where(inside, frame.labels[v, u], 0)
    return np.stack([np.count_nonzero(labels == view.label, axis=1) for view in views], axis=1) / _PROBES


def _distances(predictions: Sequence[Prediction], views: Sequence[MaskView]) -> Pairs:
    """Between the middle of each object's visible side and of each mask's points, metres; NaN without points."""
    middles = np.stack([prediction.visible_centre for prediction in predictions])
    distances: Pairs = np.linalg.norm(middles[:, None] - np.stack([view.centre for view in views]), axis=2)
    return distances
