"""Masks that for once cover several known objects, as segmenters draw them now and then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..geometry.pose_batch import PoseBatch
from ..pipeline import Frame
from .identity import Prediction, Sighting

_CONTAINED = 0.5  # of the visible side of an object


def mark_merged(predictions: Sequence[Prediction], sightings: Sequence[Sighting], frame: Frame) -> list[Sighting]:
    """The sightings, marked where the mask also covers an object that has none, at the depth where it is expected."""
    seen = {sighting.prediction.track.object_id for sighting in sightings}
    without = [item for item in predictions if item.track.object_id not in seen]
    if not without or not sightings:
        return list(sightings)
    merged = {label for item in without for label in _labels_over(item, frame)}
    return [replace(item, merged=True) if item.view.label in merged else item for item in sightings]


def _labels_over(expected: Prediction, frame: Frame) -> list[int]:
    """The label that covers most of an object where it is expected, at its depth; none where no label does."""
    pose = PoseBatch(expected.R_cam_obj[None], expected.p_cam_obj[None])
    p_cam = pose.apply(expected.side.probes[None])[0]
    pixels = frame.camera.project(p_cam)
    with np.errstate(invalid="ignore"):  # NaN, behind the camera, is not inside
        inside = ((pixels > -0.5) & (pixels < (frame.camera.width - 0.5, frame.camera.height - 0.5))).all(axis=1)
    u, v = np.rint(pixels[inside].T).astype(np.int64)
    z = p_cam[inside, 2]
    with np.errstate(invalid="ignore"):  # NaN, without depth, is not there
        there = np.abs(frame.pointmap[v, u, 2] - z) <= expected.on_object()
    labels, counts = np.unique(frame.labels[v[there], u[there]], return_counts=True)
    enough = _CONTAINED * len(p_cam)
    return [int(label) for label, count in zip(labels, counts, strict=True) if label and count >= enough]
