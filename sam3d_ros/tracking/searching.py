"""Looking for known objects from other directions as well, where the expected pose can be wrong.

A fit finds the pose next to its start. What was hidden may have been turned and moved meanwhile, and what was turned
quickly may have settled on the wrong side: such an object is started from turns about its own upright axis as well, and
the best score decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import PinholeCamera
from ..geometry.pose_batch import PoseBatch
from ..pipeline.registration import Job, RegistrationConfig, Registrations, register_all
from ..pipeline.silhouette import View
from .identity import STALE_S, Prediction, Sighting

_TURNS_DEG = (0.0, 30.0, -30.0, 60.0, -60.0, 90.0, -90.0, 120.0, -120.0, 150.0, -150.0, 180.0)
_WORSE, _WORSE_WHEN_STALE = 0.75, 0.9  # of the object's usual score
MIN_VIEW = 0.5  # see `Sighting.seen_share`; what is half hidden looks alike from many sides
_HALF_TURN_COSTS = 0.1  # of the score, smaller turns by their share: things that look alike after a turn stay
_FINALISTS = 4  # turns whose fits go on
_MOST = 2  # objects that are searched in one frame; each takes some 20 ms


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """Fits of objects side by side, and which of them were searched for."""

    fits: Registrations
    searched: NDArray[np.bool_]  # [O]


def settle_all(
    sightings: Sequence[Sighting], jobs: Sequence[Job], first: PoseBatch, view: View, config: RegistrationConfig
) -> Settled:
    """The fits of at least one known object from its first pose, and from turns of it for those in doubt."""
    fits = register_all(jobs, first, view, config)
    searched = np.zeros(len(jobs), np.bool_)
    for index in _in_doubt(sightings, fits, view.camera):
        fits = _with(fits, index, search(jobs[index], first[np.array([index])], view, config))
        searched[index] = True
    return Settled(fits, searched)


def search(job: Job, first: PoseBatch, view: View, config: RegistrationConfig) -> Registrations:
    """The best fit of one object from turns of its first pose about the z axis of its frame."""
    angles = np.radians(_TURNS_DEG)
    turns = np.zeros((len(angles), 3, 3))
    turns[:, 0, 0] = turns[:, 1, 1] = np.cos(angles)
    turns[:, 1, 0], turns[:, 0, 1], turns[:, 2, 2] = np.sin(angles), -np.sin(angles), 1.0
    starts = PoseBatch(first.rotation @ turns, np.repeat(first.translation_xyz, len(angles), axis=0))
    fits = register_all([job] * len(angles), starts, view, config)
    worth = _worths(fits, np.array(_TURNS_DEG))
    # Twice more from the best: the steps of one fit do not always bring it all the way from a turn beside the true one.
    best = np.argsort(-worth, kind="stable")[:_FINALISTS]
    finals = register_all([job] * len(best), fits.T_cam_obj[best], view, config)
    winner = np.array([np.argmax(_worths(finals, np.array(_TURNS_DEG)[best]))])
    return register_all([job], finals.T_cam_obj[winner], view, config)


def expected_score(prediction: Prediction) -> float:
    """Score below which the pose of an object is in doubt."""
    share = _WORSE_WHEN_STALE if prediction.since_s > STALE_S else _WORSE
    return share * prediction.track.usual_score


def _in_doubt(sightings: Sequence[Sighting], fits: Registrations, camera: PinholeCamera) -> list[int]:
    """Up to `_MOST` objects that are well seen and whose fit is worse than usual, the worst first."""
    worth = [_worth(quality.score, 0.0) for quality in fits.qualities]
    doubted = [
        index
        for index, sighting in enumerate(sightings)
        if worth[index] < expected_score(sighting.prediction) and sighting.seen_share(camera) >= MIN_VIEW
    ]
    return sorted(doubted, key=worth.__getitem__)[:_MOST]


def _worths(fits: Registrations, turns_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([_worth(quality.score, angle) for quality, angle in zip(fits.qualities, turns_deg, strict=True)])


def _worth(score: float, turn_deg: float) -> float:
    return -1.0 if np.isnan(score) else score * (1 - _HALF_TURN_COSTS * abs(turn_deg) / 180.0)


def _with(fits: Registrations, index: int, found: Registrations) -> Registrations:
    """The fits with one of them replaced by the only one of `found`."""
    rotation, p_cam = fits.T_cam_obj.rotation.copy(), fits.T_cam_obj.translation_xyz.copy()
    rotation[index], p_cam[index] = found.T_cam_obj.rotation[0], found.T_cam_obj.translation_xyz[0]
    covariances, qualities = fits.covariances.copy(), list(fits.qualities)
    covariances[index], qualities[index] = found.covariances[0], found.qualities[0]
    return Registrations(PoseBatch(rotation, p_cam), covariances, qualities)
