"""Which frame folders a run is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .frame_folder import FrameFolderError, is_frame_folder


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
