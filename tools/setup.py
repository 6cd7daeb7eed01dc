#!/usr/bin/env python3
"""Set up what `make demo`, `make test` and `colcon build` need; `make setup` calls this, and so can you.

This file is kept to the syntax of old Pythons, so that one that does not fit can still say so.
"""

import os
import subprocess
import sys

FITTING = ((3, 10), (3, 11), (3, 12))
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NAMES = (os.path.join(ROOT, ".venv", "bin", "python"), "python3.12", "python3.11", "python3.10", "/usr/bin/python3")


def fits(interpreter: str) -> bool:
    """Whether this interpreter runs and is of a version that the set-up can use."""
    command = [interpreter, "-c", "import sys; print(sys.version_info[0], sys.version_info[1])"]
    try:
        answer = subprocess.check_output(command, stderr=subprocess.DEVNULL).split()
    except (OSError, subprocess.CalledProcessError):
        return False
    return tuple(int(number) for number in answer) in FITTING


def go_on_with_a_fitting_python() -> None:
    """Replace this process by the same one under another interpreter, or end with one clear line."""
    for name in NAMES:
        if fits(name):
            os.execvp(name, [name] + sys.argv)
    message = (
        "set-up: python3 is {}.{}, but Python 3.10, 3.11 or 3.12 is needed and none was found. "
        "Install one (Debian, Ubuntu: sudo apt-get install python3.11 python3.11-venv python3.11-dev) "
        "or name it: make setup PYTHON=/path/to/python3.11"
    )
    sys.exit(message.format(*sys.version_info[:2]))


if __name__ == "__main__":
    if sys.version_info[:2] not in FITTING:
        go_on_with_a_fitting_python()
    sys.dont_write_bytecode = True
    from sam3d_setup.main import main

    sys.exit(main())
