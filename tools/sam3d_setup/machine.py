"""What the set-up finds: the interpreter, and the ROS 2 distribution if one is sourced or was sourced before."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import SetupError
from .layout import Layout

# What a sourced distribution is, in variables: with these alone its packages are found by Python, CMake and the linker.
DISTRIBUTION_VARIABLES = (
    "ROS_DISTRO",
    "ROS_VERSION",
    "ROS_PYTHON_VERSION",
    "AMENT_PREFIX_PATH",
    "CMAKE_PREFIX_PATH",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
)
FITTING = ((3, 10), (3, 11), (3, 12))
# Message packages of which we carry the definitions, for machines without them.
STANDINS = ("tf2_msgs", "vision_msgs")


@dataclass(frozen=True, slots=True)
class Distribution:
    """A ROS 2 distribution: its variables, the Python it was built for, and what of interest it has."""

    name: str
    environment: Mapping[str, str]
    python_version: tuple[int, int]
    packages: frozenset[str]
    numpy_major: int | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """All that the plan depends on."""

    layout: Layout
    python: str
    python_version: tuple[int, int]
    distribution: Distribution | None
    processors: int


def look(layout: Layout, environment: Mapping[str, str], requested_python: str | None) -> Machine:
    """Find the route and the interpreter for it; says what to do when there is none."""
    distribution = find_distribution(environment, remembered_environment(layout))
    if distribution is None and (processor := platform.machine()) != "x86_64":
        raise SetupError(
            f"PyPI has ROS 2 for x86_64 only and this is {processor}: install a ROS 2 distribution "
            "(https://docs.ros.org), source its setup.bash and run this again"
        )
    wanted = (distribution.python_version,) if distribution else FITTING
    python, version = choose_python(candidates(layout, requested_python), wanted, requested=requested_python)
    if distribution:
        distribution = with_numpy(distribution, python)
    return Machine(layout, python, version, distribution, processors=os.cpu_count() or 1)


def remembered_environment(layout: Layout) -> Mapping[str, str]:
    """Variables of the distribution for which `.venv` was made; empty on the PyPI route and before the first run."""
    path = layout.state / "distribution.json"
    if not path.exists():
        return {}
    remembered: dict[str, str] = json.loads(path.read_text())
    return remembered


def find_distribution(environment: Mapping[str, str], remembered: Mapping[str, str]) -> Distribution | None:
    """The sourced distribution, else the remembered one while it is installed; None means ROS from PyPI."""
    if not environment.get("ROS_DISTRO"):
        environment = remembered
        if not _rclpy_folder(environment.get("AMENT_PREFIX_PATH", "")):
            return None
    name = environment["ROS_DISTRO"]
    prefixes = environment.get("AMENT_PREFIX_PATH", "")
    rclpy = _rclpy_folder(prefixes)
    if rclpy is None:
        raise SetupError(
            f"ROS_DISTRO is {name}, but AMENT_PREFIX_PATH ({prefixes or 'empty'}) leads to no rclpy: "
            f"source /opt/ros/{name}/setup.bash, or unset ROS_DISTRO to take ROS 2 from PyPI"
        )
    version = re.search(r"python(\d+)\.(\d+)", str(rclpy))
    if version is None:
        raise SetupError(f"cannot tell the Python version of the rclpy in {rclpy}")
    present = frozenset(name for name in STANDINS if _has_package(prefixes, name))
    kept = {key: environment[key] for key in DISTRIBUTION_VARIABLES if environment.get(key)}
    return Distribution(name, kept, (int(version[1]), int(version[2])), present)


def candidates(layout: Layout, requested: str | None) -> tuple[str, ...]:
    """Interpreters in order of preference: what was asked for, what `.venv` has, this one, others by name."""
    if requested:
        return (requested,)
    names = (str(layout.python), sys.executable, "python3.12", "python3.11", "python3.10", "/usr/bin/python3")
    return tuple(path for name in names if (path := shutil.which(name)))


def choose_python(
    names: Sequence[str], wanted: Sequence[tuple[int, int]], *, requested: str | None = None
) -> tuple[str, tuple[int, int]]:
    """The first interpreter of a wanted version, as the base interpreter it runs on, and its version."""
    for name in names:
        found = probe_python(name)
        if found and found[1] in wanted:
            return found
    versions = " or ".join("{}.{}".format(*version) for version in wanted)
    reason = _refusal(requested) if requested else "none was found"
    raise SetupError(
        f"Python {versions} is needed and {reason}: install it, or name one with make setup PYTHON=/path/to/python3"
    )


def _refusal(requested: str) -> str:
    found = probe_python(requested)
    return f"{requested} is {found[1][0]}.{found[1][1]}" if found else f"{requested} does not run"


def probe_python(name: str) -> tuple[str, tuple[int, int]] | None:
    """Path and version of the interpreter behind a name (for a virtual environment: the one it was made from)."""
    code = (
        "import os, sys; print(os.path.realpath(getattr(sys, '_base_executable', sys.executable)));"
        "print(*sys.version_info[:2])"
    )
    # -I -S: neither a sourced ROS environment nor a .pth file of the virtual environment may change the answer.
    try:
        answer = subprocess.run([name, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return None
    lines = answer.stdout.splitlines()
    if answer.returncode or len(lines) != 2:
        return None
    major, minor = (int(number) for number in lines[1].split())
    return lines[0], (major, minor)


def with_numpy(distribution: Distribution, python: str) -> Distribution:
    """Add the major version of NumPy that the distribution's compiled packages were built for."""
    code = "import importlib.metadata as m; print(m.version('numpy').split('.')[0])"
    environment = {**os.environ, **distribution.environment}
    answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False, env=environment)
    major = int(answer.stdout) if answer.stdout.strip().isdigit() else None
    return Distribution(
        distribution.name, distribution.environment, distribution.python_version, distribution.packages, major
    )


def _rclpy_folder(prefixes: str) -> Path | None:
    """The rclpy of the first prefix that has one."""
    for prefix in filter(None, prefixes.split(os.pathsep)):
        for pattern in ("lib/python3.*/site-packages/rclpy", "local/lib/python3.*/dist-packages/rclpy"):
            for folder in sorted(Path(prefix).glob(pattern)):
                return folder
    return None


def _has_package(prefixes: str, name: str) -> bool:
    return any(
        (Path(prefix) / "share" / name / "package.xml").exists() for prefix in prefixes.split(os.pathsep) if prefix
    )
