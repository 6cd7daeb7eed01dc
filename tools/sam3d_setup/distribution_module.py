"""Lets `.venv/bin/python` find the ROS 2 distribution for which the environment was made, sourced or not.

The set-up copies this file into the environment's site-packages, where a .pth file imports it at each start. In a shell
in which the distribution is sourced and our messages are found, it changes nothing. Otherwise it starts the interpreter
once more, because the linker reads LD_LIBRARY_PATH only when a process starts.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping

_GUARD = "_SAM3D_ROS_DISTRIBUTION"
_LISTS = ("AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH", "LD_LIBRARY_PATH", "PYTHONPATH")


def missing_variables(current: Mapping[str, str], remembered: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The variables to set: lists get what they lack in front, plain ones are set where they are not."""
    wanted = {name: [part for part in remembered.get(name, "").split(os.pathsep) if part] for name in _LISTS}
    wanted["AMENT_PREFIX_PATH"].insert(0, prefix)
    wanted["LD_LIBRARY_PATH"].insert(0, os.path.join(prefix, "lib"))
    changes = {name: value for name, value in remembered.items() if name not in _LISTS and name not in current}
    for name, parts in wanted.items():
        present = [part for part in current.get(name, "").split(os.pathsep) if part]
        lacking = [part for part in parts if part not in present]
        if lacking:
            changes[name] = os.pathsep.join(lacking + present)
    return changes


def start_again_where_needed() -> None:
    """Replace this process by the same one with the completed environment; once, and only where it lacks something."""
    path = os.path.join(sys.prefix, "sam3d_setup", "distribution.json")
    if os.environ.get(_GUARD) == sys.prefix or not os.path.exists(path):
        return
    with open(path) as file:
        changes = missing_variables(os.environ, json.load(file), sys.prefix)
    if changes:
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **changes, _GUARD: sys.prefix})


start_again_where_needed()
