"""The part of message_filters that this package uses; the matching itself is `pipeline.matching`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from rclpy.clock import ROSClock
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.time import Time

from ...pipeline.matching import MatchCounts, StampMatcher

_NANOSECONDS = 1_000_000_000


class SimpleFilter:
    """Something that hands messages on to whoever registered."""

    def __init__(self) -> None:
        self.callbacks: dict[int, tuple[Callable[..., None], tuple[Any, ...]]] = {}

    def registerCallback(self, cb: Callable[..., None], *args: Any) -> int:
        """Call `cb(*messages, *args)` for each output; returns the number of the connection."""
        connection = len(self.callbacks)
        self.callbacks[connection] = (cb, args)
        return connection

    def signalMessage(self, *msg: Any) -> None:
        """Hand messages on to everyone who registered, in order of registration."""
        for callback, extra in list(self.callbacks.values()):
            callback(*msg, *extra)


class Subscriber(SimpleFilter):
    """A subscription as a filter: `Subscriber(node, msg_type, topic, qos_profile=..., ...)`."""

    def __init__(
        self, node: Node, msg_type: type, topic: str, qos_profile: QoSProfile | int = 10, **options: Any
    ) -> None:
        super().__init__()
        self.node = node
        self.topic = topic
        self.sub = node.create_subscription(msg_type, topic, self.callback, qos_profile, **options)

    def callback(self, msg: Any) -> None:
        """Take a message of the subscription."""
        self.signalMessage(msg)

    def getTopic(self) -> str:
        """The topic as it was asked for, before remapping."""
        return self.topic

    def __getattr__(self, key: str) -> Any:
        if key == "sub":  # not yet made: without this the look-up would call itself for ever
            raise AttributeError(key)
        return getattr(self.sub, key)


class TimeSynchronizer(SimpleFilter):
    """Hands on sets of messages with equal stamps, on the thread of the message that completed the set."""

    def __init__(self, fs: Sequence[SimpleFilter], queue_size: int) -> None:
        self._start(fs, StampMatcher(len(fs), queue_size, slop_ns=0))

    def _start(self, fs: Sequence[SimpleFilter], matcher: StampMatcher[Any]) -> None:
        SimpleFilter.__init__(self)
        self.lock = threading.Lock()
        self._matcher = matcher
        self.input_connections = [f.registerCallback(self._add_to, index) for index, f in enumerate(fs)]

    @property
    def queues(self) -> list[dict[int, Any]]:
        """What waits, by input and stamp in nanoseconds."""
        return self._matcher.queues

    @property
    def counts(self) -> MatchCounts:
        """Messages received and dropped by input, and sets matched. Not in the real package."""
        return self._matcher.counts

    def clear(self) -> None:
        """Forget what waits, after a jump in time. Not in the real package."""
        with self.lock:
            self._matcher.clear()

    def _add_to(self, msg: Any, index: int) -> None:
        stamp = self._stamp_of(msg)
        if stamp is None:
            return
        with self.lock:
            matched = self._matcher.add(index, stamp, msg)
        # Outside the lock: a callback may clear the queues, and a slow one must not hold up the other inputs.
        if matched is not None:
            self.signalMessage(*matched)

    def _stamp_of(self, msg: Any) -> int | None:
        return _header_stamp(msg.header.stamp)


class ApproximateTimeSynchronizer(TimeSynchronizer):
    """Hands on sets of messages whose stamps lie within `slop` seconds of each other."""

    def __init__(
        self, fs: Sequence[SimpleFilter], queue_size: int, slop: float, allow_headerless: bool = False
    ) -> None:
        self.allow_headerless = allow_headerless
        self._warned = False
        self._start(fs, StampMatcher(len(fs), queue_size, slop_ns=round(slop * _NANOSECONDS)))

    def _stamp_of(self, msg: Any) -> int | None:
        stamp = getattr(getattr(msg, "header", None), "stamp", None)
        if stamp is not None:
            return _header_stamp(stamp)
        if self.allow_headerless:
            return int(ROSClock().now().nanoseconds)
        if not self._warned:
            self._warned = True
            get_logger("message_filters").warning(
                f"{type(msg).__name__} has no header stamp and is left out; allow_headerless=True takes arrival times"
            )
        return None


def _header_stamp(stamp: Any) -> int:
    return int(stamp.nanoseconds) if isinstance(stamp, Time) else stamp.sec * _NANOSECONDS + stamp.nanosec
