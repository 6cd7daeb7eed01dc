"""One try at a job: what an executor reports, and the border at which exceptions of the work become values."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .job import Job, Work

Stage = Callable[[Job], Path]  # a new, empty folder for the results of a job


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed."""

    error: str  # one line
    trace: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Type and message on one line, and the traceback."""
        message = " ".join(str(error).split())
        name = type(error).__name__
        return cls(f"{name}: {message}" if message else name, "".join(traceback.format_exception(error)))


@dataclass(frozen=True, slots=True)
class Attempt:
    """The end of a job in an executor; its staged folder is complete where there is no failure."""

    job: Job
    failure: Failure | None
    seconds: float


class Executor(Protocol):
    """Runs the work of jobs somewhere, answers every job once, in any order; closing the iterator ends all workers."""

    def run(self, jobs: Sequence[Job], work: Work, stage: Stage) -> Generator[Attempt, None, None]:
        """Answer each job. Raises JobsError where no worker can be had."""
        ...


def attempt(work: Work, payload: Any, folder: Path) -> tuple[Failure | None, float]:
    """Run the work: the failure, or None, and the seconds it took."""
    started = time.perf_counter()
    failure = None
    try:
        work(payload, folder)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the worker's border: reported, the other jobs go on
        failure = Failure.of(error)
    return failure, time.perf_counter() - started
