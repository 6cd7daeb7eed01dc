"""Which masks the backend is asked for, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..pipeline import Rejection, RejectionReason
from .config import TrackingConfig
from .identity import Sighting
from .masks import MaskView
from .table import Track

_BETTER_FRAMES = 3  # in a row; a mask that for once is too large is no better view

ReconstructMode = Literal["new", "none", "all"]


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """A mask to be reconstructed, as a new object or as a new mesh of a known one."""

    view: MaskView
    known: Track | None


def choose(
    masks: Mapping[int, MaskView],
    sightings: Sequence[Sighting],
    config: TrackingConfig,
    *,
    labels: Sequence[int] | None,
    mode: ReconstructMode,
) -> tuple[list[Wanted], list[Rejection]]:
    """What the backend shall do, largest masks first, and the labels that cannot be answered.

    A known object is made anew in mode "all", and in mode "new" once its pose could not be settled for some frames, or
    when much more of it is seen, for some frames, than was when its mesh was made.
    """
    asked = set(masks) if labels is None else set(labels)
    rejections = [
        Rejection(label, RejectionReason.EMPTY_MASK, f"no pixel carries label {label}") for label in asked - set(masks)
    ]
    if mode == "none":
        return [], rejections
    tracks = {sighting.view.label: sighting.prediction.track for sighting in sightings}
    views = sorted((masks[label] for label in asked & set(masks)), key=lambda view: (-view.pixels, view.label))
    known = [(view, tracks[view.label]) for view in views if view.label in tracks]
    again = [Wanted(view, track) for view, track in known if mode == "all" or _again(track, config)]
    new = [Wanted(view, None) for view in views if view.label not in tracks]
    room = max(0, config.max_objects - len(tracks))
    rejections += [_too_many(wanted.view.label, config) for wanted in new[room:]]
    return again + new[:room], rejections


def _again(track: Track, config: TrackingConfig) -> bool:
    if track.bad_frames:
        return track.bad_frames >= config.bad_frames_before_reconstruction
    return track.better_frames >= _BETTER_FRAMES


def _too_many(label: int, config: TrackingConfig) -> Rejection:
    detail = f"max_objects is {config.max_objects} and larger masks or known objects come first"
    return Rejection(label, RejectionReason.TOO_MANY_OBJECTS, detail)
