"""How a node's process lives: it spins until Ctrl-C or SIGTERM, and then ends in order.

rclpy's own signal handlers shut the context down under the worker's publishers, so they stay out.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

import rclpy
import rclpy.task
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def leave_on_signals() -> None:
    """Let a signal end the process at once, while there is nothing yet to put in order."""
    for number in _STOP_SIGNALS:
        signal.signal(number, lambda *_: sys.exit(0))


def start_ros(arguments: Sequence[str] | None) -> None:
    """Initialise rclpy without its signal handlers; None takes the arguments of the command line."""
    rclpy.init(args=None if arguments is None else list(arguments), signal_handler_options=SignalHandlerOptions.NO)


class Stop:
    """Set by Ctrl-C and SIGTERM; the handler itself does next to nothing."""

    def __init__(self, on_request: Callable[[], None] = lambda: None) -> None:
        self._future: rclpy.task.Future[bool] = rclpy.task.Future()
        self._on_request = on_request
        for number in _STOP_SIGNALS:
            signal.signal(number, self._handle)

    def spin(self, node: Node) -> None:
        """Serve the node's callbacks in this thread until asked to stop."""
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        try:
            executor.spin_until_future_complete(self._future)
        except ExternalShutdownException:
            pass  # someone else shut the context down: an end like any other
        finally:
            executor.remove_node(node)
            executor.shutdown(timeout_sec=0)

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        self._on_request()
        if not self._future.done():
            self._future.set_result(True)
