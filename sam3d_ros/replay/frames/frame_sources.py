"""Which frames a run is about, and where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...pipeline import Frame
from ..truth.truth_object import TruthObject
from .bop_scene import find_bop_frames
from .frame_folder import FrameFolderError, check_frame, frame_files, has_mask, is_frame_folder, load_frame, load_truth


class FrameSource(Protocol):
    """One frame of a run; what cannot be read raises FrameFolderError."""

    @property
    def name(self) -> str:
        """Unique within the run."""

    @property
    def folder(self) -> Path:
        """Where its files lie, alone or with those of other frames."""

    @property
    def has_mask(self) -> bool:
        """Whether the frame brings its own labels, so that the truth pairs with objects."""

    def check(self) -> None:
        """Raise what `load_frame` or `load_truth` would raise."""

    def load_frame(self) -> Frame:
        """Read the frame."""

    def load_truth(self) -> tuple[TruthObject, ...]:
        """What is known of its objects, by label."""

    def files(self) -> list[Path]:
        """Every file that decides what is loaded."""


@dataclass(frozen=True, slots=True)
class FolderFrame:
    """A frame folder (`frame_folder`)."""

    name: str
    folder: Path

    @property
    def has_mask(self) -> bool:
        return has_mask(self.folder)

    def check(self) -> None:
        check_frame(self.folder)

    def load_frame(self) -> Frame:
        return load_frame(self.folder)

    def load_truth(self) -> tuple[TruthObject, ...]:
        return load_truth(self.folder)

    def files(self) -> list[Path]:
        return frame_files(self.folder)


def find_frames(
    folders: Iterable[Path],
    scenes: Iterable[Path] = (),
    bop_models: Path | None = None,
    *,
    bop_images: int | None = None,
) -> list[FrameSource]:
    """Frame folders and those in folders that are none themselves, then the images of BOP scenes; by order given.

    `bop_images` is the largest number of images of each scene.

    Raises FrameFolderError for a folder without frames and for two frames of one name.
    """
    found: list[FrameSource] = [FolderFrame(_name(frame), frame) for folder in folders for frame in _frames_of(folder)]
    found += [frame for scene in scenes for frame in find_bop_frames(scene, bop_models, most=bop_images)]
    return _once_each(found)


def _once_each(found: Sequence[FrameSource]) -> list[FrameSource]:
    by_name: dict[str, FrameSource] = {}
    for source in found:
        other = by_name.setdefault(source.name, source).folder
        if other.resolve() != source.folder.resolve():
            raise FrameFolderError(f"{other} and {source.folder} would both write to {source.name}; rename one of them")
    return list(by_name.values())


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
