"""Matching of messages by time stamp, on plain integers: the node and the replay of bags share it.

One rule, the one of message_filters: the newcomer takes from every other queue the message nearest to its own stamp,
and the set counts when its stamps span at most `slop`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class MatchCounts:
    """What became of the inputs, by input."""

    received: list[int]
    matched: int = 0  # complete sets
    dropped: list[int] = field(default_factory=list)  # pushed out of a full queue, or replaced by the same stamp

    @property
    def hit_rate(self) -> float:
        """Complete sets per message of the busiest input; 1 before anything came."""
        most = max(self.received, default=0)
        return self.matched / most if most else 1.0


class StampMatcher(Generic[T]):
    """Bounded queues of stamped items, one for each input, matched when a newcomer completes a set.

    Not thread-safe: the caller locks. Stamps are nanoseconds and may come out of order. `slop_ns` of 0 asks for
    equal stamps.
    """

    def __init__(self, inputs: int, queue_size: int, slop_ns: int) -> None:
        if inputs < 1 or queue_size < 1 or slop_ns < 0:
            raise ValueError(f"need inputs and queue_size >= 1, slop >= 0; got {inputs}, {queue_size}, {slop_ns} ns")
        self._queues: list[dict[int, T]] = [{} for _ in range(inputs)]
        self._queue_size = queue_size
        self._slop_ns = slop_ns
        self.counts = MatchCounts(received=[0] * inputs, dropped=[0] * inputs)

    def add(self, index: int, stamp: int, item: T) -> tuple[T, ...] | None:
        """Take an item of input `index`; return the set that it completes, in the order of the inputs."""
        self._store(index, stamp, item)
        if stamp not in self._queues[index]:
            return None  # older than a whole full queue
        for stamps in self._candidates(index, stamp):
            if max(stamps) - min(stamps) <= self._slop_ns:
                self.counts.matched += 1
                return tuple(queue.pop(s) for queue, s in zip(self._queues, stamps, strict=True))
        return None

    @property
    def queues(self) -> list[dict[int, T]]:
        """What waits, by input and stamp; the name and shape that message_filters uses."""
        return self._queues

    def waiting(self) -> list[int]:
        """How many items wait, by input."""
        return [len(queue) for queue in self._queues]

    def clear(self) -> None:
        """Forget what waits, for example after a jump in time; the counts stay."""
        for queue in self._queues:
            queue.clear()

    def _store(self, index: int, stamp: int, item: T) -> None:
        queue = self._queues[index]
        self.counts.received[index] += 1
        self.counts.dropped[index] += stamp in queue
        queue[stamp] = item
        while len(queue) > self._queue_size:
            del queue[min(queue)]
            self.counts.dropped[index] += 1

    def _candidates(self, index: int, stamp: int) -> Iterator[tuple[int, ...]]:
        """Sets of stamps within reach of the newcomer, nearest first, the last input varying fastest."""
        near = [
            [stamp] if i == index else sorted(self._within_slop(queue, stamp), key=lambda s: (abs(s - stamp), s))
            for i, queue in enumerate(self._queues)
        ]
        return itertools.product(*near)

    def _within_slop(self, queue: dict[int, T], stamp: int) -> list[int]:
        return [s for s in queue if abs(s - stamp) <= self._slop_ns]
