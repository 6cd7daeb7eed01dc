"""What a job is, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FAILED_SUFFIX = ".failed.json"
_LONGEST_NAME = 200  # bytes; file systems end at 255, and the suffix must fit

# work(payload, folder) fills the empty folder with files and folders (no links) and raises where it fails.
# A function of a module, because workers import it by name.
Work = Callable[[Any, Path], None]


class JobsError(ValueError):
    """The run as a whole cannot start or go on: the message says why and what to do. What is finished stays."""


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work with a folder of its own."""

    name: str  # unique in the run; names the folder
    fingerprint: str  # hash of everything that decides the result; a finished job with the same one is not run again
    payload: Any  # given to the work function; pickled on its way to other processes


@dataclass(frozen=True, slots=True)
class Outcome:
    """A job that is done or has failed."""

    job: Job
    folder: Path | None  # of the results; None: failed
    error: str  # one line, type and message; empty when done
    trace: str  # the whole traceback; empty when done
    reused: bool  # settled by an earlier run
    seconds: float  # that the work took, without waiting for a worker


def check_jobs(jobs: Sequence[Job]) -> None:
    """Raise JobsError for names that are no folder names or not unique, and for empty fingerprints."""
    for job in jobs:
        _check_name(job.name)
        if not job.fingerprint:
            raise JobsError(f"job {job.name!r} has an empty fingerprint; it must tell one result from another")
    twice = [name for name, count in Counter(job.name for job in jobs).items() if count > 1]
    if twice:
        raise JobsError(f"two jobs are named {twice[0]!r}; each needs a name of its own")


def check_work(work: Work) -> None:
    """Raise JobsError for a function that another process cannot import."""
    name, module = getattr(work, "__qualname__", repr(work)), getattr(work, "__module__", None)
    if module in (None, "__main__") or not name.isidentifier():
        raise JobsError(f"{name} of {module} cannot be imported by workers; it must be a function of a module")


def _check_name(name: str) -> None:
    if not name or name.startswith(".") or any(sign in name for sign in "/\\\0"):
        raise JobsError(
            f"{name!r} cannot name a folder; a job's name is not empty, holds no / or \\ and starts with no dot"
        )
    if name.endswith(FAILED_SUFFIX):
        raise JobsError(f"{name!r} ends like the note of a failed job; choose a name without {FAILED_SUFFIX}")
    if len(name.encode()) > _LONGEST_NAME:
        raise JobsError(f"the name {name[:40]!r}... has more than {_LONGEST_NAME} bytes; choose a shorter one")
