"""Writes objects to files below one folder, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..tracking import SceneObject
from ..tracking.object_files import FORMATS, ObjectFileError, word_on_gaussians, write_object


class SaveError(ValueError):
    """Objects that cannot be written as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class SaveRequest:
    """Which objects to write, and where."""

    root: str  # may begin with ~
    folder: str  # relative to root
    ids: tuple[int, ...]  # empty: all
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Saved:
    """What was written, and a word on what was asked for and is not there."""

    files: list[str]  # plain absolute paths
    word: str = ""

    @property
    def message(self) -> str:
        return f"{len(self.files)} files written" + (f"; {self.word}" if self.word else "")


def save_objects(objects: Sequence[SceneObject], request: SaveRequest) -> Saved:
    """Write object_<id>.<suffix> for each object and format, as `write_object` names and fills them.

    Raises SaveError for a folder outside the root, unknown ids or formats, and files that cannot be written.
    """
    chosen = _choose(objects, request.ids)
    unknown = [name for name in request.formats if name not in FORMATS]
    if unknown:
        raise SaveError(f"unknown formats {', '.join(unknown)}; there are {', '.join(FORMATS)}")
    try:
        folder = safe_folder(request.root, request.folder)
        files = [path for item in chosen for path in write_object(folder, _stem(item), item, request.formats)]
    except OSError as error:
        raise SaveError(f"cannot write below {request.root}: {error}") from error
    except ObjectFileError as error:
        raise SaveError(str(error)) from error
    return Saved([str(path) for path in files], word_on_gaussians(chosen, request.formats))


def safe_folder(root: str, folder: str) -> Path:
    """Create and return root/folder; raises SaveError where that would leave root, through "..", "/" or a link."""
    parts = PurePosixPath(folder).parts
    if PurePosixPath(folder).is_absolute() or ".." in parts or "\\0" in folder:
        raise SaveError(f"folder must be a plain path below output_folder, got {folder!r}")
    path = Path(root).expanduser().absolute()
    path.mkdir(parents=True, exist_ok=True)
    path = path.resolve()
    for part in parts:
        path = path / part
        if path.is_symlink():
            raise SaveError(f"{path} is a symbolic link; output_folder must hold real folders only")
        path.mkdir(exist_ok=True)
    return path


def _choose(objects: Sequence[SceneObject], ids: Sequence[int]) -> list[SceneObject]:
    by_id = {item.object_id: item for item in objects}
    missing = [number for number in ids if number not in by_id]
    if missing:
        raise SaveError(f"no objects with ids {missing}; alive are {sorted(by_id)}")
    chosen = [by_id[number] for number in ids] if ids else list(objects)
    if not chosen:
        raise SaveError("there are no objects yet")
    return chosen


def _stem(item: SceneObject) -> str:
    return f"object_{item.object_id}"
