"""Which mask shows which known object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ..geometry import SE3, PinholeCamera
from ..geometry.pose_batch import PoseBatch
from ..pipeline import Frame
from ..pipeline.registration import RegistrationTarget
from ..pipeline.surface_model import PROBES, VisibleSide, nearest_distances, spread
from .config import TrackingConfig
from .masks import MaskView
from .table import Track

STALE_S = 0.2  # since a pose was measured; what was hidden for longer may stand elsewhere
_DISTANCE_POINTS = 60  # points of a mask whose distance from an object is measured

Pairs = NDArray[np.float64]  # [objects, masks]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Where a known object is expected in this frame, camera optical frame."""

    track: Track
    target: RegistrationTarget
    R_cam_obj: NDArray[np.float64]  # [3, 3]
    p_cam_obj: NDArray[np.float64]  # [3] origin of the object
    side: VisibleSide
    visible_centre: NDArray[np.float64]  # [3] median of the visible side
    since_s: float  # time since the pose was measured

    def reach(self, max_speed: float) -> float:
        """How far from here the object can be and still be the same one, metres."""
        return 0.5 * self.target.surface.diameter + max_speed * self.since_s

    def on_object(self) -> float:
        """Up to what distance from the thin samples of its visible side a point lies on the object, metres."""
        return 2 * self.target.inlier_distance(float(self.visible_centre[2])) + self.side.thin.spacing


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A mask that shows a known object; `overlap` is near 0 where only the label speaks for it.

    A `merged` mask covers another known object as well: it tells of the pose, but no mesh is made from it.
    """

    prediction: Prediction
    view: MaskView
    overlap: float
    merged: bool = False

    def seen_share(self, camera: PinholeCamera) -> float:
        """What the mask shows of the area that was seen when the mesh was made, from 0; NaN without depth."""
        return self.view.area(camera) / max(self.prediction.track.seen_area, 1e-9)


def predict(tracks: Iterable[Track], stamp_ns: int, T_cam_ref: SE3) -> list[Prediction]:
    """The objects where they are expected, seen from the camera of now; without those whose mesh is coarse."""
    known = [(track, track.target) for track in tracks if track.target is not None]
    if not known:
        return []
    T_cam_obj = PoseBatch.of([track.expected(stamp_ns) for track, _ in known]).seen_from(T_cam_ref)
    sides = [target.surface.visible_side(p_obj) for (_, target), p_obj in zip(known, T_cam_obj.origins(), strict=True)]
    centres = T_cam_obj.apply(np.array([side.centre for side in sides])[:, None])[:, 0]
    places = zip(T_cam_obj.rotation, T_cam_obj.translation_xyz, sides, centres, strict=True)
    return [
        Prediction(track, target, *place, since_s=max(0.0, (stamp_ns - track.current.stamp_ns) * 1e-9))
        for (track, target), place in zip(known, places, strict=True)
    ]


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
    candidates = _candidates(shares, distances, reaches)
    overlap = _overlaps(predictions, views, shares, candidates)
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


def _overlaps(
    predictions: Sequence[Prediction], views: Sequence[MaskView], shares: Pairs, candidates: NDArray[np.bool_]
) -> Pairs:
    """Agreement, 0 to 1, of masks and known objects at their expected poses; 0 for pairs that are no candidates.

    Two shares count: of the object's visible side that lies in the mask, and of the mask's points that lie on the
    object. An object half hidden by another one does not fill its expected outline, so the better figure weighs more. A
    mask without depth is judged by the outline alone.
    """
    has_points = np.array([len(view.points) > 0 for view in views])
    overlaps = np.where(candidates & ~has_points, shares, 0.0)
    rows, columns = np.nonzero(candidates & has_points)
    if len(rows):
        pairs = [(predictions[i], views[j]) for i, j in zip(rows.tolist(), columns.tolist(), strict=True)]
        share, covered = shares[rows, columns], _covered(pairs)
        agreement = 0.7 * np.maximum(share, covered) + 0.3 * np.minimum(share, covered)
        overlaps[rows, columns] = np.where(covered > 0, agreement, 0.0)
    return overlaps


def _covered(pairs: Sequence[tuple[Prediction, MaskView]]) -> NDArray[np.float64]:
    """Share [N] of each mask's points that lie on its object at the expected pose."""
    p_cam = np.array([view.points[spread(len(view.points), _DISTANCE_POINTS)] for _, view in pairs])
    R = np.array([prediction.R_cam_obj for prediction, _ in pairs])
    p_obj = (p_cam - np.array([prediction.p_cam_obj for prediction, _ in pairs])[:, None]) @ R
    lookup = np.array([prediction.side.thin.lookup for prediction, _ in pairs])
    limit = [prediction.on_object() for prediction, _ in pairs]
    near = nearest_distances(p_obj.transpose(0, 2, 1), lookup) <= np.array(limit)[:, None]
    covered: NDArray[np.float64] = np.count_nonzero(near, axis=1) / _DISTANCE_POINTS
    return covered


def _label_shares(predictions: Sequence[Prediction], views: Sequence[MaskView], frame: Frame) -> Pairs:
    """Share of each object's visible samples that fall on each mask in the image; `views` ascend by label."""
    poses = PoseBatch(
        np.array([prediction.R_cam_obj for prediction in predictions]),
        np.array([prediction.p_cam_obj for prediction in predictions]),
    )
    camera = frame.camera
    pixels = camera.project(poses.apply(np.array([prediction.side.probes for prediction in predictions])))
    with np.errstate(invalid="ignore"):  # NaN, behind the camera, is not inside
        inside = (pixels > -0.5) & (pixels < (camera.width - 0.5, camera.height - 0.5))
    owner, probe = np.nonzero(inside[..., 0] & inside[..., 1])
    u, v = np.rint(pixels[owner, probe].T).astype(np.int64)
    found = frame.labels.reshape(-1).take(v * camera.width + u)
    labels = np.array([view.label for view in views])
    index = np.searchsorted(labels, found).clip(max=len(labels) - 1)
    hits = np.flatnonzero(labels[index] == found)
    pairs = owner[hits] * len(labels) + index[hits]
    counts = np.bincount(pairs, minlength=len(predictions) * len(labels))
    return counts.reshape(len(predictions), len(labels)) / PROBES


def _distances(predictions: Sequence[Prediction], views: Sequence[MaskView]) -> Pairs:
    """Between the middle of each object's visible side and of each mask's points, metres; NaN without points."""
    middles = np.array([prediction.visible_centre for prediction in predictions])
    offsets = middles[:, None] - np.array([view.centre for view in views])
    distances: Pairs = np.sqrt(np.einsum("omi,omi->om", offsets, offsets))
    return distances
