"""The one thread that owns model and object table for life."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

from ..pipeline.frame_messages import FrameMessages
from .mailbox import Mailbox

T = TypeVar("T")


class WorkerLost(RuntimeError):  # noqa: N818 - reads as what happened
    """The thread that was to do the work was given up."""


class Engine(Protocol):
    """What the thread owns; all calls but `cancel` and `abandon` come from that thread."""

    def handle(self, matched: FrameMessages) -> None:
        """Answer every mask of a frame."""

    def close(self) -> None:
        """Free what was loaded."""

    def cancel(self) -> None:
        """Ask the work in progress to stop; from any thread."""

    def abandon(self) -> None:
        """Publish nothing from now on; from any thread."""


class Worker:
    """Runs an engine in a thread of its own. Frames come through one slot, calls in order; nobody waits for it."""

    def __init__(self, engine: Engine, *, on_defect: Callable[[Exception], None]) -> None:
        self._engine = engine
        self._on_defect = on_defect
        self._mailbox: Mailbox[FrameMessages] = Mailbox(engine.handle)
        # A daemon, so that a model that hangs cannot keep the process alive.
        self._thread = threading.Thread(target=self._run, name="sam3d_worker", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Frames that were replaced by newer ones before their turn."""
        return self._mailbox.dropped

    def put(self, matched: FrameMessages) -> None:
        """Make this the next frame."""
        self._mailbox.put(matched)

    def call(self, function: Callable[[], T]) -> Future[T]:
        """Run a function in the worker's thread, before the next frame; cancelled where the worker has stopped."""
        return self._mailbox.call(function)

    def interrupt(self) -> None:
        """Stop the work in progress and forget the frame that waits; calls stay."""
        self._mailbox.discard_item()
        self._engine.cancel()

    def abandon(self) -> None:
        """Leave a thread that hangs to itself: it publishes nothing more and ends when its call returns."""
        self._engine.abandon()
        self._end()
        self._mailbox.fail_current(WorkerLost("the model hung and was given up"))

    def stop(self, timeout: float) -> bool:
        """End the thread; False where it is still busy after so many seconds."""
        self._end()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _end(self) -> None:
        self._mailbox.close()
        self._engine.cancel()

    def _run(self) -> None:
        while (work := self._mailbox.fetch()) is not None:
            self._guard(work)
        self._guard(self._engine.close)

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the worker's border: reported and counted, the node goes on
            self._on_defect(error)
