"""What decides a result, as one hash: so that finished work is taken over, and only where nothing has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from .evaluation_tasks import BagTask, FrameTask
from .frame_folder import mesh_files
from .truth_file import find_truth_file

PACKAGE = Path(__file__).resolve().parents[1]


def fingerprint(task: FrameTask | BagTask) -> str:
    """Hash of the task, of the files it reads (path, size, time of change) and of this package with its weights."""
    weights = task.model.options.weights
    files = [*_inputs(task), *(_within(weights) if weights else ())]
    stated = [(str(path.absolute()), path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.exists()]
    text = repr((task, stated, package_digest()))
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1)
def package_digest() -> str:
    """Hash of all files of this package: another version, or code that was edited, gives results of its own."""
    digest = hashlib.sha256()
    for path in _within(PACKAGE):
        if path.suffix != ".pyc":
            digest.update(str(path.relative_to(PACKAGE)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _inputs(task: FrameTask | BagTask) -> Iterable[Path]:
    if isinstance(task, FrameTask):
        return task.source.files()
    truth = task.truth_file or find_truth_file(task.path)
    bag = _within(task.path) if task.path.is_dir() else [task.path]
    return [*bag, *([truth, *mesh_files(truth)] if truth else [])]


def _within(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
