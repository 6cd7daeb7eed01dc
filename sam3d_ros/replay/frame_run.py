"""Frame folders through the pipeline, each on its own: the one path behind `reconstruct` and `evaluate`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..pipeline.backends import create_backend
from ..tracking.config import TrackingConfig
from ..tracking.tracker import SceneTracker
from .frame_folder import FrameFolderError, has_mask, is_frame_folder, load_frame, load_truth
from .results import FrameRecord

# A folder of files has no frame rate to keep: every mask is tried.
_MANY_OBJECTS = 65535


@dataclass(frozen=True, slots=True)
class FrameSource:
    """One frame folder of a run."""

    name: str  # unique within the run
    folder: Path


def find_frames(folders: Iterable[Path]) -> list[FrameSource]:
    """Frame folders, and the frame folders in those that are none themselves; by order given, then by name.

    Raises FrameFolderError for a folder without frames and for two frames of one name.
    """
    found = [FrameSource(_name(frame), frame) for folder in folders for frame in _frames_of(folder)]
    by_name: dict[str, Path] = {}
    for source in found:
        other = by_name.setdefault(source.name, source.folder)
        if other.resolve() != source.folder.resolve():
            raise FrameFolderError(f"{other} and {source.folder} would both write to {source.name}; rename one of them")
    return [FrameSource(name, folder) for name, folder in by_name.items()]


def create_tracker(backend: str, *, seed: int, triangle_budget: int) -> SceneTracker:
    """A loaded tracker for frames that have nothing to do with each other."""
    model = create_backend(backend, seed=seed, triangle_budget=triangle_budget)
    tracker = SceneTracker(model, TrackingConfig(max_objects=_MANY_OBJECTS))
    tracker.load()
    return tracker


def run_frame(tracker: SceneTracker, source: FrameSource) -> FrameRecord:
    """Reconstruct every mask of a frame folder, knowing nothing of the frames before it.

    The truth pairs with objects by label, so a frame whose masks had to be found comes without truth.
    """
    frame = load_frame(source.folder)
    truth = load_truth(source.folder) if has_mask(source.folder) else ()
    tracker.clear()
    start = time.perf_counter()
    update = tracker.process(frame)
    return FrameRecord(source.name, frame, update, truth, wall_ms=1e3 * (time.perf_counter() - start))


def _frames_of(folder: Path) -> list[Path]:
    if is_frame_folder(folder):
        return [folder]
    if not folder.is_dir():
        raise FrameFolderError(f"{folder}: no such folder")
    frames = sorted(child for child in folder.iterdir() if child.is_dir() and is_frame_folder(child))
    if not frames:
        raise FrameFolderError(
            f"{folder}: no frame; expected color.png or .jpg, depth.png and intrinsics.json here or in folders within"
        )
    return frames


def _name(folder: Path) -> str:
    return folder.resolve().name or "frame"
