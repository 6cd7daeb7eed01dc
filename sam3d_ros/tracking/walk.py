"""What is gathered while one frame walks through the object table."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ..geometry import SE3
from ..pipeline import Frame, Rejection
from .scene import SceneUpdate, UpdateCallback
from .table import ObjectTable


class FrameWalk:
    """The answers to one frame so far, and the way to tell of them."""

    def __init__(
        self, frame: Frame, T_ref_cam: SE3 | None, table: ObjectTable, on_update: UpdateCallback | None
    ) -> None:
        self.frame = frame
        self.fixed = T_ref_cam is not None  # the reference frame is not the camera's
        self.T_ref_cam = T_ref_cam or SE3.identity()
        self._table = table
        self._on_update = on_update
        self._rejections: dict[int, Rejection] = {}
        self._removed: list[int] = []
        self._latency_ms: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent inside to the stage of that name."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._latency_ms[name] = self._latency_ms.get(name, 0.0) + (time.perf_counter() - started) * 1e3

    def reject(self, rejection: Rejection) -> None:
        """The newest reason of a label counts."""
        self._rejections[rejection.label] = rejection

    def accept(self, label: int) -> None:
        """The mask became an object after all."""
        self._rejections.pop(label, None)

    def removed(self, object_ids: Iterable[int]) -> None:
        self._removed.extend(object_ids)

    def publish(self, *, final: bool = False) -> SceneUpdate:
        """Tell the listener how the scene stands; returns what it was told."""
        update = SceneUpdate(
            stamp_ns=self.frame.stamp_ns,
            objects=self._table.objects,
            rejections=tuple(self._rejections[label] for label in sorted(self._rejections)),
            removed_ids=tuple(sorted(self._removed)),
            final=final,
            latency_ms=dict(self._latency_ms),
        )
        if self._on_update is not None:
            self._on_update(update)
        return update
