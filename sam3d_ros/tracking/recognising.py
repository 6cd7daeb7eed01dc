"""Objects that were hidden and come out elsewhere under another label: known again by their shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..geometry.pose_batch import PoseBatch
from ..pipeline import Frame
from ..pipeline.silhouette import Sight, View
from .config import TrackingConfig
from .identity import STALE_S, Prediction, Sighting
from .masks import MaskView
from .searching import MIN_VIEW, expected_score, search

_MOST = 4  # pairs that are tried in one frame, the nearest; each takes some 15 ms


def recognise(
    predictions: Sequence[Prediction],
    masks: Mapping[int, MaskView],
    sightings: Sequence[Sighting],
    frame: Frame,
    config: TrackingConfig,
) -> list[Sighting]:
    """Unseen objects on masks that nobody claims, with the pose at which they fit as the expected one.

    An object is known again within its own diameter of where it was last seen, where its mesh fits the mask and its
    depth about as well as it used to, from whatever turn about its upright axis.
    """
    taken = {sighting.view.label for sighting in sightings}
    seen = {sighting.prediction.track.object_id for sighting in sightings}
    lost = [item for item in predictions if item.since_s > STALE_S and item.track.object_id not in seen]
    free = [view for label, view in sorted(masks.items()) if label not in taken]
    possible = [(_away(item, view), item, view) for item in lost for view in free if _is_possible(item, view, config)]
    nearest = sorted(possible, key=lambda pair: pair[0])[:_MOST]
    tried = [_fitted(item, view, frame, config) for _, item, view in nearest]
    found: list[Sighting] = []
    for score, sighting in sorted(tried, key=lambda pair: -pair[0]):
        known, label = sighting.prediction.track, sighting.view.label
        if score >= expected_score(sighting.prediction) and label not in taken and known.object_id not in seen:
            found.append(sighting)
            taken.add(label)
            seen.add(known.object_id)
    return found


def _is_possible(lost: Prediction, view: MaskView, config: TrackingConfig) -> bool:
    if len(view.points) < config.min_follow_points or not lost.track.usual_score:
        return False
    return _away(lost, view) <= min(lost.reach(config.max_speed), lost.target.surface.diameter)


def _away(lost: Prediction, view: MaskView) -> float:
    """How far a mask lies from where the object was last seen, metres."""
    return float(np.linalg.norm(view.centre - lost.visible_centre))


def _fitted(lost: Prediction, view: MaskView, frame: Frame, config: TrackingConfig) -> tuple[float, Sighting]:
    """The best score of the object under this mask, 0 where too little is seen, and the pose that has it."""
    sighting = Sighting(lost, view, 1.0)
    if sighting.seen_share(frame.camera) < MIN_VIEW:
        return 0.0, sighting
    first = PoseBatch(lost.R_cam_obj[None], (lost.p_cam_obj + view.centre - lost.visible_centre)[None])
    image = View(frame.labels, frame.camera, frame.pointmap[..., 2])
    sight = Sight(view.points, view.label, view.box)
    fits = search((lost.target, sight), first, image, config.registration)
    there = replace(lost, R_cam_obj=fits.T_cam_obj.rotation[0], p_cam_obj=fits.T_cam_obj.translation_xyz[0])
    return float(np.nan_to_num(fits.qualities[0].score)), Sighting(there, view, 1.0)
