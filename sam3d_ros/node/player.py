"""Publishes a bag over DDS at its recorded rate, with /clock."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from ..replay.bags.bag import Bag, BagMessage, BagTopic
from .builders.common import stamp_message

_CLOCK_PERIOD_S = 0.01
_ACKNOWLEDGED_S = 0.3
_LATCHED = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_RELIABLE = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)


class BagPlayer:
    """Publishers for some topics of a bag. Messages go out as the bytes that the bag holds."""

    def __init__(self, node: Node, bag: Bag, topics: Sequence[BagTopic], *, rate: float = 1.0) -> None:
        if rate <= 0:
            raise ValueError(f"rate must be positive, got {rate}")
        self._bag = bag
        self._rate = rate
        self._clock = node.create_publisher(Clock, "/clock", _RELIABLE)
        self._publishers = {topic.name: _publisher(node, topic) for topic in topics}
        self.now_ns = bag.start_ns

    def has_listeners(self, topics: Sequence[str], *, own: Collection[str] = ()) -> bool:
        """Whether somebody subscribes to each of these topics; on those in `own`, somebody besides ourselves."""
        return all(self._publishers[name].get_subscription_count() > (name in own) for name in topics)

    def play(
        self, on_message: Callable[[BagMessage], None], idle: Callable[[float], None], *, end_ns: int | None = None
    ) -> None:
        """Publish all messages once, up to a recorded time where one is given.

        `on_message` hears of each message before it goes out; `idle` must wait the seconds that it gets.
        """
        started = time.monotonic()
        for message in self._messages():
            if end_ns is not None and message.time_ns >= end_ns:
                return
            due = started + (message.time_ns - self._bag.start_ns) * 1e-9 / self._rate
            self._wait_until(due, message.time_ns, idle)
            on_message(message)
            self._publishers[message.topic].publish(message.data)

    def lead_in(self, idle: Callable[[float], None], *, timeout_s: float) -> bool:
        """Send the first message of each topic until it is acknowledged; False where that takes too long.

        A subscriber that is seen may not see us yet, and would miss the start. These messages come again in `play`.
        """
        deadline = time.monotonic() + timeout_s
        self._publish_clock(self._bag.start_ns)
        # Transforms and CameraInfo first: with the last image the node has a whole frame and begins.
        for name in sorted(self._publishers, key=lambda topic: (not topic.startswith("/tf"), "info" not in topic)):
            message = next(iter(self._bag.messages([name])), None)
            while message is not None and not self._acknowledged(message):
                if time.monotonic() > deadline:
                    return False
                idle(_CLOCK_PERIOD_S)
        return True

    def _acknowledged(self, message: BagMessage) -> bool:
        publisher = self._publishers[message.topic]
        publisher.publish(message.data)
        return bool(publisher.wait_for_all_acked(Duration(seconds=_ACKNOWLEDGED_S)))

    def tick(self, seconds: float) -> None:
        """Let the clock run on while nothing is published."""
        self._publish_clock(self.now_ns + round(seconds * 1e9 * self._rate))

    def _messages(self) -> Iterator[BagMessage]:
        """Static transforms first: a recording may hold them late, and whoever joins needs them from the start."""
        yield from (
            BagMessage(message.topic, message.type, self._bag.start_ns, message.data)
            for message in self._bag.messages([name for name in self._publishers if name == "/tf_static"])
        )
        yield from self._bag.messages([name for name in self._publishers if name != "/tf_static"])

    def _wait_until(self, due: float, time_ns: int, idle: Callable[[float], None]) -> None:
        """Wait with the clock running, then set it to the message's time."""
        while (left := due - time.monotonic()) > 0:
            idle(min(left, _CLOCK_PERIOD_S))
            behind_ns = round(max(0.0, due - time.monotonic()) * 1e9 * self._rate)
            self._publish_clock(max(self.now_ns, time_ns - behind_ns))
        self._publish_clock(time_ns)

    def _publish_clock(self, time_ns: int) -> None:
        self.now_ns = time_ns
        self._clock.publish(Clock(clock=stamp_message(time_ns)))


def message_class(message_type: str) -> Any:
    """The generated class of `package/msg/Name`."""
    package, folder, name = message_type.split("/")
    return getattr(importlib.import_module(f"{package}.{folder}"), name)


def _publisher(node: Node, topic: BagTopic) -> Any:
    qos = _LATCHED if topic.name == "/tf_static" else _RELIABLE
    return node.create_publisher(message_class(topic.type), topic.name, qos)
