"""The command line of the nodes: everything is a ROS argument, and `--help` says which. Answers without loading ROS."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_HELP = """usage: {name} [--ros-args [-p NAME:=VALUE]... [--params-file FILE] [-r FROM:=TO]...]

{purpose}

  --ros-args -p {example:<22} set a parameter
  --ros-args --params-file FILE        set those of a YAML file; config/sam3d.yaml has every one with its default
  --ros-args -r image:=/camera/image   read another topic
  --ros-args -r __ns:=/arm             put the node into a namespace
  --ros-args --log-level debug         say more

Every parameter with type, default, range and meaning: docs/parameters.md, made from
{parameters}
and, while the node runs, `ros2 param describe {node} NAME`.
Topics, services, actions and reasons of rejections: docs/interface.md; symptoms: docs/troubleshooting.md
"""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What a node's program says of itself."""

    name: str  # of the program
    node: str  # full name of the node
    purpose: str
    example: str  # a parameter rule
    parameters_file: str  # beside this module

    def answer(self, arguments: Sequence[str] | None) -> int | None:
        """Exit status where there is nothing to run: 0 for help, 2 for an argument that no node takes; else None.

        None as `arguments` takes those of the process.
        """
        own = list(_without_ros_arguments(sys.argv[1:] if arguments is None else arguments))
        if {"-h", "--help"} & set(own):
            print(self.help_text(), end="")
            return 0
        if own:
            self.complain(f"unknown argument {own[0]!r}; parameters and remappings go after --ros-args, see --help")
            return 2
        return None

    def help_text(self) -> str:
        """What `--help` prints."""
        path = Path(__file__).with_name(self.parameters_file)
        return _HELP.format(name=self.name, node=self.node, purpose=self.purpose, example=self.example, parameters=path)

    def complain(self, fault: str) -> None:
        """One line on standard error."""
        print(f"{self.name}: {fault}", file=sys.stderr)


def _without_ros_arguments(arguments: Sequence[str]) -> Iterator[str]:
    """What lies outside of `--ros-args ... [--]`, as rcl reads it."""
    is_ros = False
    for argument in arguments:
        if argument == "--ros-args":
            is_ros = True
        elif is_ros and argument == "--":
            is_ros = False
        elif not is_ros:
            yield argument
