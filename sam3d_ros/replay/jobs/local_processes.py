"""Jobs in worker processes on this machine."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait

from .attempt import Attempt, Stage
from .job import Job, Work
from .scheduler import Limits, Scheduler
from .slots import POLL_S, Event
from .thread_limits import processors
from .worker_process import WorkerProcess

_START_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class LocalProcesses:
    """Each worker runs many jobs, so a work function may keep what is slow to load. The processors are shared out.

    A job whose worker dies runs once more when all others are done, alone: memory may have been short.
    """

    workers: int
    timeout_s: float | None = None  # of a job

    def run(self, jobs: Sequence[Job], work: Work, stage: Stage) -> Generator[Attempt, None, None]:
        """Answer the jobs as they end."""
        limits = Limits(self.workers, 1, self.timeout_s, _START_TIMEOUT_S)
        threads = max(1, processors() // self.workers)
        yield from Scheduler(_ProcessSlots(threads), work, stage, limits).run(jobs)


class _ProcessSlots:
    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._open: list[WorkerProcess] = []

    def open(self) -> WorkerProcess:
        worker = WorkerProcess(self._threads)
        self._open.append(worker)
        return worker

    def wait(self, timeout_s: float) -> list[Event]:
        self._open = [worker for worker in self._open if not worker.connection.closed]
        wait([worker.connection for worker in self._open], min(timeout_s, POLL_S))
        return [event for worker in self._open if (event := worker.event()) is not None]

    def close(self) -> None:
        for worker in self._open:
            worker.close()
