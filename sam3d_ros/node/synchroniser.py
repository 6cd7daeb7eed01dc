"""Brings the messages of one instant together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..pipeline.decode import stamp_ns
from ..pipeline.matching import StampMatcher


class Synchroniser:
    """Approximate-time matching over named inputs, by the rule that replays of bags use, too."""

    def __init__(self, names: Sequence[str], on_match: Callable[..., None], *, queue_size: int, slop: float) -> None:
        self._names = tuple(names)
        self._on_match = on_match
        self._matcher: StampMatcher[Any] = StampMatcher(len(self._names), queue_size, round(slop * 1e9))

    @property
    def matches(self) -> int:
        return self._matcher.counts.matched

    @property
    def waiting(self) -> dict[str, int]:
        """Messages that wait for partners, by input."""
        return dict(zip(self._names, self._matcher.waiting(), strict=True))

    def reset(self) -> None:
        """Forget what waits: after a time jump the old stamps would push out the new ones."""
        self._matcher.clear()

    def add(self, name: str, message: Any) -> None:
        """Take a message of an input; calls `on_match` with the set that it completes, in the order of the names."""
        matched = self._matcher.add(self._names.index(name), stamp_ns(message), message)
        if matched is not None:
            self._on_match(*matched)
