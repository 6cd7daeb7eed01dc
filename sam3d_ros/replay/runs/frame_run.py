"""Frames from files through the pipeline, each on its own: the one path behind `reconstruct` and `evaluate`."""

from __future__ import annotations

import time

from ...pipeline.backend import Backend
from ...tracking.config import TrackingConfig
from ...tracking.tracker import SceneTracker
from ..frames.frame_sources import FrameSource
from ..frames.results import FrameRecord

# A folder of files has no frame rate to keep: every mask is tried.
_MANY_OBJECTS = 65535


def frame_tracker(backend: Backend) -> SceneTracker:
    """A tracker around a loaded backend, for frames that have nothing to do with each other."""
    return SceneTracker(backend, TrackingConfig(max_objects=_MANY_OBJECTS))


def run_frame(tracker: SceneTracker, source: FrameSource) -> FrameRecord:
    """Reconstruct every mask of a frame, knowing nothing of the frames before it.

    The truth pairs with objects by label, so a frame whose masks had to be found comes without truth.
    """
    frame = source.load_frame()
    truth = source.load_truth() if source.has_mask else ()
    tracker.clear()
    start = time.perf_counter()
    update = tracker.process(frame)
    return FrameRecord(source.name, frame, update, truth, wall_ms=1e3 * (time.perf_counter() - start))
