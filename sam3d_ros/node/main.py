"""Entry point `sam3d_node`: brings the node up, spins it, ends it cleanly on Ctrl-C and SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING

import rclpy
import rclpy.task
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.signals import SignalHandlerOptions

if TYPE_CHECKING:
    from .sam3d_node import Sam3dNode

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until asked to stop; 0 then, 1 where autostart could not bring the node up.

    rclpy's own signal handlers would shut the context down under the worker's publishers, so they stay out.
    """
    for number in _STOP_SIGNALS:
        signal.signal(number, lambda *_: sys.exit(0))
    # Imported here, because it takes long enough for somebody to press Ctrl-C.
    from .sam3d_node import Sam3dNode

    rclpy.init(args=None if arguments is None else list(arguments), signal_handler_options=SignalHandlerOptions.NO)
    node = Sam3dNode()
    stop: rclpy.task.Future[bool] = rclpy.task.Future()
    _on_signals(node, stop)
    started = not node.parameters.autostart or bring_up(node)
    if started or node.stop_requested.is_set():
        _spin(node, stop)
        status = 0
    else:
        status = 1
    if not node.is_finalized:
        node.trigger_shutdown()
    node.destroy_node()
    rclpy.try_shutdown()
    _leave(status)
    return status


def bring_up(node: Sam3dNode) -> bool:
    """Configure and activate; False where one of them fails, the reason is in the log."""
    success = TransitionCallbackReturn.SUCCESS
    return node.trigger_configure() == success and node.trigger_activate() == success


def _on_signals(node: Sam3dNode, stop: rclpy.task.Future[bool]) -> None:
    """Ctrl-C and SIGTERM end the spinning; the handler itself does next to nothing."""

    def handle(_signal: int, _frame: FrameType | None) -> None:
        node.stop_requested.set()
        if not stop.done():
            stop.set_result(True)

    for number in _STOP_SIGNALS:
        signal.signal(number, handle)


def _spin(node: Sam3dNode, stop: rclpy.task.Future[bool]) -> None:
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        executor.spin_until_future_complete(stop)
    except ExternalShutdownException:
        pass  # someone else shut the context down: an end like any other
    finally:
        executor.remove_node(node)
        executor.shutdown(timeout_sec=0)


def _leave(status: int) -> None:
    """Leave at once where a thread hangs in a model: the interpreter would tear the model down under its feet."""
    if any(thread.name == "sam3d_worker" for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
