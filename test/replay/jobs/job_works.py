"""Work functions for the tests of jobs: each notes that it was run, in a folder of markers outside the results."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from sam3d_ros.replay.jobs import Job
from sam3d_ros.replay.jobs.ray_worker import RayWorker

CALLS_HERE = []  # of this process: what a worker keeps between its jobs


class BadWhenMadeAgain:
    """A payload that can be sent but not received."""

    def __reduce__(self):
        return int, ("not a number",)


class Unstartable(RayWorker):
    """A worker of a machine that lacks our package."""

    def __init__(self, **_options):
        raise ModuleNotFoundError("No module named 'sam3d_ros.replay.jobs'")


def job(name: str, markers: Path, *, fingerprint: str = "1", **orders: Any) -> Job:
    """A job of `work` that leaves one marker for each time it is run."""
    return Job(name, fingerprint, {"name": name, "markers": markers, **orders})


def runs(markers: Path, name: str) -> int:
    """How often the job was run."""
    return len(list(markers.glob(f"{name}.*")))


def work(payload: dict[str, Any], folder: Path) -> None:
    """Write files; before that, do the harm that the payload orders."""
    markers, name = payload["markers"], payload["name"]
    assert list(folder.iterdir()) == []
    (markers / f"{name}.{os.getpid()}.{time.monotonic_ns()}").touch()
    CALLS_HERE.append(name)
    (folder / "half.txt").write_text("begun")
    _harm(payload)
    (folder / "half.txt").unlink()
    (folder / "pictures" / "empty").mkdir(parents=True)
    (folder / "pictures" / "täble.bin").write_bytes(bytes(range(256)) * len(name))
    (folder / "result.txt").write_text(f"{name} {payload.get('value')}\n")


def note_process(payload: dict[str, Any], folder: Path) -> None:
    """Write what the worker is like: its number, threads, GPUs and how many jobs it has had."""
    CALLS_HERE.append(payload["name"])
    time.sleep(0.1)
    variables = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "MKL_NUM_THREADS")
    lines = [os.getpid(), len(CALLS_HERE), *(os.environ.get(name, "none") for name in variables)]
    (folder / "process.txt").write_text("\n".join(str(line) for line in lines))


def read_input(payload: dict[str, Any], folder: Path) -> None:
    """Copy a file that may be missing where this runs."""
    (folder / "copy").write_bytes(Path(payload["input"]).read_bytes())


def link(payload: dict[str, Any], folder: Path) -> None:
    """Leave a link in the results."""
    (folder / "link").symlink_to("/etc/hostname")


def _harm(payload: dict[str, Any]) -> None:
    if "message" in payload:
        raise ValueError(payload["message"])
    if "exit" in payload:
        sys.exit(payload["exit"])
    if "signal" in payload:
        os.kill(os.getpid(), payload["signal"])
    if "status" in payload:
        os._exit(payload["status"])
    first = runs(payload["markers"], payload["name"]) == 1
    if first and "die_once" in payload:
        os.kill(os.getpid(), signal.SIGKILL)
    if first and "seconds_at_first" in payload:
        time.sleep(payload["seconds_at_first"])
    if "seconds" in payload:
        time.sleep(payload["seconds"])


def contents(folder):
    """All files of a run but the notes, which hold times."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in ("job.json", ".lock")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
