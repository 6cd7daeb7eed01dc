"""What decides a result, as one hash: so that finished work is taken over, and only where nothing has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ...pipeline.model_options import SHIPPED
from ..frames.frame_folder import mesh_files
from ..jobs import own_version
from ..truth.truth_file import find_truth_file
from .evaluation_tasks import BagTask, FrameTask


def fingerprint(task: FrameTask | BagTask) -> str:
    """Hash of the task, the files it reads (path, size, time of change), the weights and the code of this package."""
    weights = task.model.options.weights or SHIPPED
    files = [path for path in (*_inputs(task), *_within(weights)) if path.exists()]
    stated = [(str(path.absolute()), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr((task, stated, own_version())).encode()).hexdigest()


def _inputs(task: FrameTask | BagTask) -> Iterable[Path]:
    if isinstance(task, FrameTask):
        return task.source.files()
    truth = task.truth_file or find_truth_file(task.path)
    bag = _within(task.path) if task.path.is_dir() else [task.path]
    return [*bag, *([truth, *mesh_files(truth)] if truth else [])]


def _within(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
