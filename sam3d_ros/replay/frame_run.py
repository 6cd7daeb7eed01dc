"""Frames from files through the pipeline, each on its own: the one path behind `reconstruct` and `evaluate`."""

from __future__ import annotations

import time

from ..pipeline.backends import create_backend
from ..pipeline.model_options import ModelOptions
from ..tracking.config import TrackingConfig
from ..tracking.tracker import SceneTracker
from .frame_sources import FrameSource
from .results import FrameRecord

# A folder of files has no frame rate to keep: every mask is tried.
_MANY_OBJECTS = 65535


def create_tracker(backend: str, *, seed: int, triangle_budget: int, model: ModelOptions | None = None) -> SceneTracker:
    """A loaded tracker for frames that have nothing to do with each other."""
    completing = create_backend(backend, seed=seed, triangle_budget=triangle_budget, model=model)
    tracker = SceneTracker(completing, TrackingConfig(max_objects=_MANY_OBJECTS))
    tracker.load()
    return tracker


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
