"""Entry point `sam3d_node`: brings the node up, spins it, ends it cleanly on Ctrl-C and SIGTERM."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import rclpy
from rclpy.lifecycle import TransitionCallbackReturn

from ..waiting_threads import wait_briefly
from .command_line import CommandLine
from .process import Stop, leave_on_signals, start_ros

if TYPE_CHECKING:
    from .sam3d_node import Sam3dNode

COMMAND = CommandLine(
    name="sam3d_node",
    node="/sam3d",
    purpose="Completes and follows the objects whose masks come in: colour, depth and masks to meshes with poses.",
    example="triangle_budget:=5000",
    parameters_file="parameters.yaml",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until asked to stop; 0 then, 1 where autostart could not bring the node up, 2 for a wrong command line."""
    answered = COMMAND.answer(arguments)
    if answered is not None:
        return answered
    leave_on_signals()
    wait_briefly()
    # Imported here, because it takes long enough for somebody to press Ctrl-C.
    from .sam3d_node import Sam3dNode

    if not start_ros(arguments, COMMAND):
        return 2
    node = Sam3dNode()
    stop = Stop(node.stop_requested.set)
    started = not node.parameters.autostart or bring_up(node)
    if started or node.stop_requested.is_set():
        gc.freeze()  # what is loaded by now stays: collecting garbage need not look through it in the middle of a frame
        stop.spin(node)
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


def _leave(status: int) -> None:
    """Leave at once where a thread hangs in a model: the interpreter would tear the model down under its feet."""
    if any(thread.name == "sam3d_worker" for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
