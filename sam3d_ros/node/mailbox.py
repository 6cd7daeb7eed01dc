"""One slot between the callbacks and the worker: the newest frame wins, what it replaces is counted."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Job:
    future: Future[Any]
    function: Callable[[], Any]

    def __call__(self) -> None:
        if self.future.done() or not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.function()
        except Exception as error:  # noqa: BLE001 - not swallowed: future.result() raises it again
            self.fail(error)
        else:
            with suppress(InvalidStateError):
                self.future.set_result(result)

    def fail(self, error: Exception) -> None:
        """Answer with an error; without effect where an answer was given before."""
        with suppress(InvalidStateError):
            self.future.set_exception(error)


class Mailbox(Generic[T]):
    """Hands calls and the newest item from any thread to one consumer; putting never waits.

    Calls are kept in order and go before the item; an item that nobody has fetched is replaced by the next. What is
    fetched is always something to call: a job, or `consume` with the item.
    """

    def __init__(self, consume: Callable[[T], None]) -> None:
        self._consume = consume
        self._ready = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._current: _Job | None = None
        self._item: T | None = None
        self._dropped = 0
        self._closed = False

    @property
    def dropped(self) -> int:
        """Items that were replaced before the consumer came for them."""
        return self._dropped

    def put(self, item: T) -> None:
        """Make this the item that is fetched next; forgotten where the mailbox is closed."""
        with self._ready:
            if not self._closed:
                self._dropped += self._item is not None
                self._item = item
                self._ready.notify()

    def call(self, function: Callable[[], R]) -> Future[R]:
        """Queue a call for the consumer; the future is cancelled where the mailbox is closed before its turn."""
        future: Future[R] = Future()
        with self._ready:
            if self._closed:
                future.cancel()
            else:
                self._jobs.append(_Job(future, function))
                self._ready.notify()
        return future

    def discard_item(self) -> None:
        """Forget the item that waits; it does not count as dropped."""
        with self._ready:
            self._item = None

    def close(self) -> None:
        """Let the consumer finish: the item is forgotten and the calls are cancelled."""
        with self._ready:
            self._closed = True
            self._item = None
            jobs = list(self._jobs)
            self._jobs.clear()
            self._ready.notify_all()
        for job in jobs:
            job.future.cancel()

    def fail_current(self, error: Exception) -> None:
        """Answer the call that is running in the place of the consumer, who is not coming back."""
        with self._ready:
            if self._current is not None:
                self._current.fail(error)

    def fetch(self) -> Callable[[], None] | None:
        """Wait for a call or an item; None once the mailbox is closed."""
        with self._ready:
            self._ready.wait_for(lambda: self._closed or self._jobs or self._item is not None)
            self._current = self._jobs.popleft() if self._jobs else None
            if self._current is not None:
                return self._current
            if self._item is None:
                return None
            item, self._item = self._item, None
            return partial(self._consume, item)
