"""Do nothing twice: a step is remembered by the hash of all it depends on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .plan import Step


def is_done(step: Step, state: Path) -> bool:
    """Whether the step was finished with the same inputs and what it made is still there."""
    stamp = _stamp(step, state)
    if not stamp.exists() or not all(output.exists() for output in step.outputs):
        return False
    return stamp.read_text() == key(step)


def forget(step: Step, state: Path) -> None:
    """Before a step starts: should it be interrupted, it is done again."""
    _stamp(step, state).unlink(missing_ok=True)


def remember(step: Step, state: Path, step_key: str) -> None:
    """After a step: `step_key` is its key from before it started."""
    stamp = _stamp(step, state)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(step_key)


def key(step: Step) -> str:
    """SHA-256 over the step's actions, the contents of its input files and the names that its patterns match."""
    digest = hashlib.sha256(repr((step.name, step.actions)).encode())
    for path in step.inputs:
        for file in sorted(_files(path)):
            digest.update(b"\0" + str(file).encode() + b"\0" + file.read_bytes())
    for folder, pattern in step.watched:
        digest.update(repr(sorted(found.name for found in folder.glob(pattern))).encode())
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return [file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    return [path] if path.exists() else []


def _stamp(step: Step, state: Path) -> Path:
    return state / "stamps" / step.name
