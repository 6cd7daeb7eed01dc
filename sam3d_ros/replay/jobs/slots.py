"""Workers as the scheduler sees them: each takes one job at a time, and may die of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .attempt import Failure

POLL_S = 1.0  # the longest that `wait` waits


class Slot(Protocol):
    """A worker that is starting, or has a job, or is closed."""

    def submit(self, task: bytes, folder: Path) -> None:
        """Give it a pickled (work, payload); the results come into the empty folder."""
        ...

    def close(self) -> None:
        """End the worker with whatever it does. May be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has started and can be given its first job."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class Done:
    """The worker has finished its job and can be given another."""

    slot: Slot
    failure: Failure | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Died:
    """The worker is gone, and with it the job that it had."""

    slot: Slot
    reason: Failure


Event = Ready | Done | Died


class Slots(Protocol):
    """Where workers come from."""

    def open(self) -> Slot:
        """Begin to start a worker; `wait` tells when it is ready."""
        ...

    def wait(self, timeout_s: float) -> Sequence[Event]:
        """What has happened to the workers that are not closed; nothing after the timeout, POLL_S at most."""
        ...

    def close(self) -> None:
        """Close every slot, whatever it does."""
        ...
