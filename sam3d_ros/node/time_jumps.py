"""Notices that time went back: by /clock, or by the stamps of the inputs when nobody publishes a clock."""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.clock import ClockChange, JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.node import Node

_ONE_JUMP_S = 1.0  # clock and inputs all notice the same jump; within this real time it counts as one


class TimeJumps:
    """Calls `on_jump` once for each jump, in the executor's thread."""

    def __init__(self, node: Node, *, threshold_s: float, on_jump: Callable[[str], None]) -> None:
        self._on_jump = on_jump
        self._last = -_ONE_JUMP_S
        self.count = 0
        threshold = JumpThreshold(min_forward=None, min_backward=Duration(seconds=-threshold_s), on_clock_change=True)
        self._handle = node.get_clock().create_jump_callback(threshold, post_callback=self._on_clock)

    def report(self, where: str, seconds: float) -> None:
        """A source of time that went by this many seconds, negative for back."""
        now = time.monotonic()
        if now - self._last < _ONE_JUMP_S:
            return
        self._last = now
        self.count += 1
        self._on_jump(f"{where} went from one message to the next by {seconds:.3f} s")

    def destroy(self) -> None:
        self._handle.unregister()

    def _on_clock(self, jump: TimeJump) -> None:
        if jump.clock_change == ClockChange.ROS_TIME_NO_CHANGE:
            self.report("/clock", jump.delta.nanoseconds * 1e-9)
