"""Brings the messages of one instant together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .compat import message_filters


class Synchroniser:
    """Approximate-time matching over named inputs by message_filters, whose rule replays of bags follow, too."""

    def __init__(self, names: Sequence[str], on_match: Callable[..., None], *, queue_size: int, slop: float) -> None:
        self._names = tuple(names)
        self._on_match = on_match
        self._limits = (queue_size, slop)
        self.matches = 0
        self.reset()

    @property
    def waiting(self) -> dict[str, int]:
        """Messages that wait for partners, by input."""
        return {name: len(queue) for name, queue in zip(self._names, self._matcher.queues, strict=True)}

    def reset(self) -> None:
        """Forget what waits: after a time jump the old stamps would push out the new ones."""
        self._filters = {name: message_filters.SimpleFilter() for name in self._names}
        self._matcher = message_filters.ApproximateTimeSynchronizer(list(self._filters.values()), *self._limits)
        self._matcher.registerCallback(self._matched)

    def add(self, name: str, message: Any) -> None:
        """Take a message of an input; calls `on_match` with the set that it completes, in the order of the names."""
        self._filters[name].signalMessage(message)

    def _matched(self, *messages: Any) -> None:
        self.matches += 1
        self._on_match(*messages)
