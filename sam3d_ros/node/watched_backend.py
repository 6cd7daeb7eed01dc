"""A backend with a deadline and a memory limit for each object, that can be seen from outside when it hangs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..pipeline import (
    Backend,
    Cancelled,
    CancelToken,
    Detail,
    Frame,
    ProgressCallback,
    Reconstruction,
    Rejection,
    RejectionReason,
)
from .parameters import Parameters
from .statistics import held_memory_mib


class DeadlineToken(CancelToken):
    """Cancelled when the outer token is, or once the time is over."""

    def __init__(self, outer: CancelToken, seconds: float) -> None:
        super().__init__()
        self._outer = outer
        self._deadline = time.monotonic() + seconds

    @property
    def timed_out(self) -> bool:
        return time.monotonic() >= self._deadline

    @property
    def is_cancelled(self) -> bool:
        return super().is_cancelled or self._outer.is_cancelled or self.timed_out

    def raise_if_cancelled(self) -> None:
        """Raise Cancelled once cancelled or late."""
        if self.is_cancelled:
            raise Cancelled


@dataclass(frozen=True, slots=True)
class RunningCall:
    """A call into the model that has not returned yet."""

    what: str
    label: int  # 0: the whole frame
    started: float  # time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started


class WatchedBackend:
    """Passes every call on, and answers with a rejection where an object takes too long or too much memory."""

    def __init__(self, backend: Backend, parameters: Callable[[], Parameters]) -> None:
        self._backend = backend
        self._parameters = parameters
        self.running: RunningCall | None = None

    @property
    def name(self) -> str:
        return self._backend.name

    @property
    def device(self) -> str:
        """Where the model computes; backends that do not say so compute on the CPU."""
        return str(getattr(self._backend, "device", "cpu"))

    def load(self) -> None:
        self._backend.load()

    def prepare(self, frame: Frame) -> Any:
        with self._watch("prepare", 0):
            return self._backend.prepare(frame)

    def reconstruct(
        self, prepared: Any, label: int, *, detail: Detail, progress: ProgressCallback, cancel: CancelToken
    ) -> Reconstruction | Rejection:
        """As the backend answers, or a rejection once object_timeout is over."""
        self._check_memory()
        limit = self._parameters().object_timeout
        token = DeadlineToken(cancel, limit)
        try:
            with self._watch("reconstruct", label):
                return self._backend.reconstruct(prepared, label, detail=detail, progress=progress, cancel=token)
        except Cancelled:
            if cancel.is_cancelled or not token.timed_out:
                raise
            return Rejection(label, RejectionReason.TIMEOUT, f"not ready after object_timeout, {limit:g} s")

    def drop_caches(self) -> None:
        self._backend.drop_caches()

    def unload(self) -> None:
        self._backend.unload()

    @contextmanager
    def _watch(self, what: str, label: int) -> Iterator[None]:
        self.running = RunningCall(what, label, time.monotonic())
        try:
            yield
        finally:
            self.running = None

    def _check_memory(self) -> None:
        limit = self._parameters().memory_limit
        if limit and (held := held_memory_mib(self.device)) > limit:
            raise MemoryError(f"the process holds {held:.0f} MiB on {self.device}, memory_limit is {limit} MiB")
