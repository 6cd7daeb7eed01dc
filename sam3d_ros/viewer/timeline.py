"""The frames that can be shown, and which of them is: play, pause, step."""

from __future__ import annotations

import threading
from enum import Enum

from .shown import ShownFrame

_SHORTEST_S, _LONGEST_S = 0.02, 1.0  # that a frame stays while the timeline plays


class Pace(Enum):
    """How a timeline that plays goes on."""

    RECORDED = "recorded"  # from frame to frame, as far apart as their stamps
    NEWEST = "newest"  # always the newest


class Timeline:
    """Frames in order of arrival, at most `capacity`; the oldest go first. Thread-safe."""

    def __init__(self, capacity: int, pace: Pace) -> None:
        self._capacity = capacity
        self._pace = pace
        self._frames: list[ShownFrame] = []
        self._position = 0
        self._playing = True
        self._complete = False
        self._since = 0.0  # when the present frame came on
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def playing(self) -> bool:
        return self._playing

    @property
    def position(self) -> int:
        """Of the present frame, from 0."""
        return self._position

    @property
    def is_full(self) -> bool:
        """Whether the next frame pushes the oldest one out."""
        return len(self._frames) >= self._capacity

    @property
    def current(self) -> ShownFrame | None:
        """The frame to show; None before the first."""
        with self._lock:
            return self._frames[self._position] if self._frames else None

    def put(self, frame: ShownFrame) -> None:
        """Append a frame; one with the stamp of the last takes its place, as more is known of the same moment."""
        with self._lock:
            if self._frames and self._frames[-1].stamp_ns == frame.stamp_ns:
                self._frames[-1] = frame
                return
            self._frames.append(frame)
            surplus = len(self._frames) - self._capacity
            if surplus > 0:
                del self._frames[:surplus]
                self._position = max(0, self._position - surplus)
            if self._playing and self._pace is Pace.NEWEST:
                self._position = len(self._frames) - 1

    def advance(self, now: float) -> None:
        """Go to the frame that is due at `now`, seconds of any clock that only goes forward."""
        with self._lock:
            if not self._playing:
                return
            if self._position + 1 >= len(self._frames):
                self._playing = not self._complete
                return
            if self._pace is Pace.NEWEST:
                self._move(len(self._frames) - 1, now)
            elif now - self._since >= self._stay_s():
                self._move(self._position + 1, now)

    def complete(self) -> None:
        """No more frames come: playing ends at the last one."""
        self._complete = True

    def play(self) -> None:
        """Go on; from the start where a recording has come to its end."""
        with self._lock:
            if self._pace is Pace.RECORDED and self._position + 1 >= len(self._frames):
                self._position = 0
            self._playing = True

    def pause(self) -> None:
        self._playing = False

    def go(self, position: int) -> None:
        """Stop at a frame; positions beyond the ends mean the ends."""
        with self._lock:
            self._playing = False
            self._position = max(0, min(position, len(self._frames) - 1))

    def step(self, frames: int) -> None:
        """Stop so many frames later, or earlier where negative."""
        with self._lock:
            self.go(self._position + frames)

    def _move(self, position: int, now: float) -> None:
        self._position, self._since = position, now

    def _stay_s(self) -> float:
        here, there = self._frames[self._position], self._frames[self._position + 1]
        return min(max((there.stamp_ns - here.stamp_ns) * 1e-9, _SHORTEST_S), _LONGEST_S)
