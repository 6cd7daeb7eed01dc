"""Everything that is on stage while a bag is played to the node, and the waiting for each other."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from ..replay.bags.result_bag import OBJECTS, REJECTIONS
from ..replay.runs.node_process import NodeError, NodeProcess
from .player import BagPlayer
from .recorder import NodeRecorder

_STEP_S = 0.02
_LAST_DIAGNOSTICS_S = 2.5  # diagnostics come once a second; the last ones count everything


@dataclass(frozen=True, slots=True)
class LiveStage:
    """Our own ROS node with player and recorder, and the process of the reconstruction node."""

    node: Node
    executor: SingleThreadedExecutor
    process: NodeProcess
    player: BagPlayer
    recorder: NodeRecorder

    def idle(self, seconds: float) -> None:
        """Receive for some time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.executor.spin_once(timeout_sec=left)
        self.process.require_alive()

    def wait_for_node(self, topics: Sequence[str], timeout_s: float) -> None:
        """Until the node listens to these topics and is heard itself; raises NodeError after the time."""
        deadline = time.monotonic() + timeout_s
        while not (self.player.has_listeners(topics, own=self.recorder.topics) and self._is_heard()):
            if time.monotonic() > deadline:
                raise NodeError(
                    f"the node did not come up within {timeout_s:.0f} s; the end of {self.process.log}:\n"
                    f"{self.process.tail()}"
                )
            # The clock stands still until the bag begins: a node would take its reset for a jump in time.
            self.player.tick(0.0)
            self.idle(_STEP_S)

    def drain(self, last_stamp_ns: int, timeout_s: float) -> None:
        """Until the node has answered the last frame, or for the time; then once more for the last diagnostics."""
        deadline = time.monotonic() + timeout_s
        while not self.recorder.has_answered(last_stamp_ns) and time.monotonic() < deadline:
            self.player.tick(_STEP_S)
            self.idle(_STEP_S)
        deadline = time.monotonic() + _LAST_DIAGNOSTICS_S
        while time.monotonic() < deadline:
            self.player.tick(_STEP_S)
            self.idle(_STEP_S)

    def _is_heard(self) -> bool:
        return all(self.node.count_publishers(topic) > 0 for topic in (OBJECTS, REJECTIONS))


@contextmanager
def private_node(name: str) -> Iterator[tuple[Node, SingleThreadedExecutor]]:
    """A ROS node with a context of its own. Ctrl-C stays with Python, so that `with` statements run to their end."""
    context = rclpy.Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(name, context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        yield node, executor
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown(context=context)
