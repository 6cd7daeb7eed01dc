"""How a node's process lives: it spins until Ctrl-C or SIGTERM, and then ends in order.

rclpy's own signal handlers shut the context down under the worker's publishers, so they stay out.
"""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

import rclpy
import rclpy.task
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from .command_line import CommandLine

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def leave_on_signals() -> None:
    """Let a signal end the process at once, while there is nothing yet to put in order."""
    for number in _STOP_SIGNALS:
        signal.signal(number, lambda *_: sys.exit(0))


def start_ros(arguments: Sequence[str] | None, command: CommandLine) -> bool:
    """Initialise rclpy without its signal handlers; False where a ROS argument is wrong, which is said in one line.

    None as `arguments` takes those of the command line.
    """
    given = None if arguments is None else list(arguments)
    try:
        rclpy.init(args=given, signal_handler_options=SignalHandlerOptions.NO)
    except (_rclpy.UnknownROSArgsError, _rclpy.RCLInvalidROSArgsError) as error:
        command.complain(f"unknown ROS arguments {error}; see --help")
        return False
    except _rclpy.RCLError as error:
        if "Couldn't parse" not in str(error):
            raise
        command.complain(f"{_core_of(str(error))}; see --help")
        return False
    return True


def _core_of(rcl_text: str) -> str:
    """What rcl found wrong, without the places in its source code."""
    fault = rcl_text.removeprefix("failed to initialize rcl: ")
    return re.sub(r", at \S+:\d+", "", fault)


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
        # A launch file sends Ctrl-C on to us, who got it from the terminal already. Python takes its handlers away when
        # it ends, and the second one would kill what is about to end by itself.
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        self._on_request()
        if not self._future.done():
            self._future.set_result(True)
