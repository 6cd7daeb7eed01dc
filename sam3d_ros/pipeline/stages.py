"""Clock, progress and cancellation of one object's stages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from .backend import CancelToken, Progress, ProgressCallback
from .result import Reconstruction


class Stages:
    """Times each stage and, before each and between its steps, honours a cancellation.

    `shares` names the stages in their order, with their usual shares of the time, in any unit. `finish_work` waits for
    a device that computes beside the program, so that a stage is charged with what it began.
    """

    def __init__(
        self,
        label: int,
        shares: Mapping[str, float],
        *,
        progress: ProgressCallback,
        cancel: CancelToken,
        finish_work: Callable[[], None] | None = None,
    ) -> None:
        self.latency_ms: dict[str, float] = {}
        self._label = label
        self._shares = shares
        self._progress = progress
        self._cancel = cancel
        self._finish_work = finish_work or (lambda: None)

    @contextmanager
    def run(self, stage: str) -> Iterator[None]:
        """Time the body as `stage` and report it when it is done."""
        self._cancel.raise_if_cancelled()
        start = time.perf_counter()
        yield
        self._finish_work()
        self.latency_ms[stage] = (time.perf_counter() - start) * 1e3
        self.report(stage)

    def report(self, stage: str, coarse: Reconstruction | None = None, *, done: float = 1.0) -> None:
        """Say how far the object is when `done`, 0 to 1, of the stage is behind it."""
        names = list(self._shares)
        before = sum(self._shares[name] for name in names[: names.index(stage)])
        percent = 100.0 * (before + done * self._shares[stage]) / sum(self._shares.values())
        self._progress(Progress(self._label, stage, percent, coarse))

    def step(self, stage: str, done: int, total: int) -> None:
        """Report `done` of `total` steps of a stage, and raise Cancelled where that was asked for."""
        self.report(stage, done=done / total)
        self._cancel.raise_if_cancelled()
