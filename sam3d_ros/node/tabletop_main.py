"""Entry point `tabletop_masks`: masks of what stands on a table, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .command_line import CommandLine

COMMAND = CommandLine(
    name="tabletop_masks",
    node="/tabletop_masks",
    purpose="Makes a label image of what stands on a table from colour and depth, for sam3d_node.",
    example="max_depth:=1.5",
    parameters_file="tabletop_parameters.yaml",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until asked to stop; 0 then, 2 for a wrong command line."""
    status = COMMAND.answer(arguments)
    if status is not None:
        return status
    import rclpy
    from rclpy.exceptions import ParameterException

    from .process import Stop, leave_on_signals, start_ros

    leave_on_signals()
    # Imported here, because it takes long enough for somebody to press Ctrl-C.
    from .tabletop_masks import TabletopMasks

    if not start_ros(arguments, COMMAND):
        return 2
    try:
        node = TabletopMasks()
    except (ParameterException, ValueError) as error:  # out of range, of another type, or at odds with each other
        COMMAND.complain(f"parameter refused: {error}")
        rclpy.try_shutdown()
        return 2
    Stop().spin(node)
    node.close()
    rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
