"""Which worker gets which job, and what becomes of the jobs whose worker died or took too long."""

from __future__ import annotations

import pickle
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

from .attempt import Attempt, Failure, Stage
from .job import Job, JobsError, Work
from .slots import POLL_S, Died, Done, Ready, Slot, Slots

_START_TRIES = 3  # workers in a row that may end before they are ready


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use."""

    workers: int
    workers_for_retries: int  # jobs whose worker died run after all others, this many at a time
    timeout_s: float | None  # of a job; None: as long as it takes
    start_timeout_s: float  # without any worker

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise JobsError(f"{self.workers} workers cannot do anything; give at least 1")
        if self.timeout_s is not None and not self.timeout_s > 0:
            raise JobsError(f"a time limit of {self.timeout_s} s leaves no time for a job; give more, or none")


@dataclass(slots=True)
class _Task:
    job: Job
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started


@dataclass(frozen=True, slots=True)
class _Lost:
    """A job whose worker died."""

    job: Job
    reason: Failure
    seconds: float


class Scheduler:
    """One run over the slots."""

    def __init__(self, slots: Slots, work: Work, stage: Stage, limits: Limits) -> None:
        self._slots = slots
        self._work = work
        self._stage = stage
        self._limits = limits
        self._queue: deque[Job] = deque()
        self._starting: set[Slot] = set()
        self._busy: dict[Slot, _Task] = {}
        self._failed_starts = 0
        self._alive = time.monotonic()  # when there last was a worker

    def run(self, jobs: Sequence[Job]) -> Generator[Attempt, None, None]:
        """Answer each job once. Raises JobsError where workers do not start. No worker is left at the end."""
        try:
            lost: list[Job] = []
            for answer in self._round(jobs, self._limits.workers):
                if isinstance(answer, _Lost):
                    lost.append(answer.job)
                else:
                    yield answer
            for answer in self._round(lost, self._limits.workers_for_retries):
                if isinstance(answer, _Lost):
                    yield Attempt(answer.job, answer.reason, answer.seconds)
                else:
                    yield answer
        finally:
            self._slots.close()

    def _round(self, jobs: Sequence[Job], workers: int) -> Iterator[Attempt | _Lost]:
        self._queue.extend(jobs)
        self._alive = time.monotonic()
        while self._queue or self._busy:
            while len(self._starting) + len(self._busy) < min(workers, len(self._queue) + len(self._busy)):
                self._starting.add(self._slots.open())
            for event in self._slots.wait(self._patience_s()):
                if isinstance(event, Ready):
                    self._starting.remove(event.slot)
                    self._failed_starts = 0
                    yield from self._assign(event.slot)
                elif isinstance(event, Done):
                    yield Attempt(self._busy.pop(event.slot).job, event.failure, event.seconds)
                    yield from self._assign(event.slot)
                else:
                    yield from self._bury(event)
            yield from self._end_overdue()
            self._require_workers()
        for slot in self._starting:
            slot.close()
        self._starting.clear()

    def _assign(self, slot: Slot) -> Iterator[Attempt]:
        """Give the slot the next job that can be pickled, and answer those that cannot; no job left: close it."""
        self._busy.pop(slot, None)
        while self._queue:
            job = self._queue.popleft()
            try:
                task = pickle.dumps((self._work, job.payload))
            except Exception as error:  # noqa: BLE001 - a payload may raise anything; reported, the other jobs go on
                failure = Failure.of(error)
                yield Attempt(job, Failure(f"the payload cannot be pickled: {failure.error}", failure.trace), 0.0)
                continue
            self._busy[slot] = _Task(job)
            slot.submit(task, self._stage(job))
            return
        slot.close()

    def _bury(self, death: Died) -> Iterator[_Lost]:
        death.slot.close()
        task = self._busy.pop(death.slot, None)
        if task is not None:
            yield _Lost(task.job, death.reason, task.seconds)
            return
        self._starting.remove(death.slot)
        self._failed_starts += 1
        if self._failed_starts >= _START_TRIES:
            raise JobsError(f"{_START_TRIES} workers ended before they were ready: {death.reason.error}")

    def _end_overdue(self) -> Iterator[Attempt]:
        limit = self._limits.timeout_s
        overdue = [slot for slot, task in self._busy.items() if limit is not None and task.seconds > limit]
        for slot in overdue:
            task = self._busy.pop(slot)
            slot.close()
            text = f"TimeoutError: the job took longer than {limit:g} s and was ended"
            yield Attempt(task.job, Failure(text, text), task.seconds)

    def _require_workers(self) -> None:
        if self._busy or not self._starting:
            self._alive = time.monotonic()
        elif time.monotonic() - self._alive > self._limits.start_timeout_s:
            raise JobsError(
                f"no worker was ready within {self._limits.start_timeout_s:g} s; the machines may be busy with other "
                f"programs, or have fewer processors or GPUs than a worker asks for"
            )

    def _patience_s(self) -> float:
        """Until the first time limit is over."""
        limit = self._limits.timeout_s
        if limit is None or not self._busy:
            return POLL_S
        first = min(limit - task.seconds for task in self._busy.values())
        return min(POLL_S, max(0.0, first) + 1e-3)
