"""Clock, progress and cancellation of one object's stages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..backend import CancelToken, Progress, ProgressCallback
from ..result import Reconstruction

STAGES = ("observe", "support", "coarse", "symmetry", "shape", "finish", "color", "register")


class Stages:
    """Times each stage and, before each, honours a cancellation."""

    def __init__(self, label: int, progress: ProgressCallback, cancel: CancelToken) -> None:
        self.latency_ms: dict[str, float] = {}
        self._label = label
        self._progress = progress
        self._cancel = cancel

    @contextmanager
    def run(self, stage: str) -> Iterator[None]:
        """Time the body as `stage` and report it when it is done."""
        self._cancel.raise_if_cancelled()
        start = time.perf_counter()
        yield
        self.latency_ms[stage] = (time.perf_counter() - start) * 1e3
        self.report(stage)

    def report(self, stage: str, coarse: Reconstruction | None = None) -> None:
        percent = 100.0 * (STAGES.index(stage) + 1) / len(STAGES)
        self._progress(Progress(self._label, stage, percent, coarse))
