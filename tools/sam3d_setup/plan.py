"""What has to be done, as data: a pure function of the machine, so that both routes can be tested without a run."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from . import shell_files
from .layout import Layout
from .machine import STANDINS, Machine

Need = Literal["venv", "compiler", "open3d"]


@dataclass(frozen=True, slots=True)
class Run:
    """Run a command; `environment` replaces the variables it names, an empty value removes one, PATH gets it in front.

    Two runs of the same command count as the same: a shell with other variables is no reason to build again.
    """

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class MakeVenv:
    """Make the virtual environment, unless a working one of the same kind is there.

    The route is `pypi` or the name of a distribution; it is remembered in the file `route_file`.
    """

    path: Path
    python: str
    python_version: tuple[int, int]
    route: str
    route_file: Path

    @property
    def system_site_packages(self) -> bool:
        """A distribution's Python packages are the system's."""
        return self.route != "pypi"


@dataclass(frozen=True, slots=True)
class MendCMake:
    """Mend the exported CMake files of the wheels below `prefix` with the include folders of its interpreter."""

    prefix: Path
    python: Path


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Write a small text file, with its folder."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove what a pattern matches in a folder."""

    folder: Path
    pattern: str


@dataclass(frozen=True, slots=True)
class Link:
    """Let `path` be a symbolic link to `target`."""

    path: Path
    target: Path


Action = Run | MakeVenv | MendCMake | WriteFile | Remove | Link


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the set-up: done again when its actions, its inputs or what its patterns match have changed."""

    name: str
    title: str
    actions: tuple[Action, ...]
    inputs: tuple[Path, ...] = ()
    watched: tuple[tuple[Path, str], ...] = ()
    outputs: tuple[Path, ...] = ()
    # What the system must have for it.
    needs: frozenset[Need] = frozenset()


def plan(machine: Machine, *, tests: bool = False) -> tuple[Step, ...]:
    """Every step on this machine's route, in order; `tests` adds the tools of `make test`."""
    steps = [_venv(machine), _installer(machine)]
    if machine.distribution is None:
        steps.append(_ros_packages(machine))
    steps += [_paths(machine), _python_packages(machine)]
    if tests:
        steps.append(_test_tools(machine))
    if machine.distribution is None:
        steps.append(_mend(machine))
    present = machine.distribution.packages if machine.distribution else frozenset()
    steps += [_standin(machine, name) for name in STANDINS if name not in present]
    steps += [_own_messages(machine), _share(machine)]
    return (*steps, _check(machine, steps))


def build_environment(machine: Machine) -> tuple[tuple[str, str], ...]:
    """Variables with which CMake and Python find ROS, whatever is set in the user's shell."""
    venv = str(machine.layout.venv)
    if machine.distribution is None:
        return (
            ("AMENT_PREFIX_PATH", venv),
            ("CMAKE_PREFIX_PATH", venv),
            ("PYTHONPATH", ""),
            ("PATH", f"{venv}/bin"),
            ("CMAKE_BUILD_PARALLEL_LEVEL", str(machine.processors)),
        )
    variables = dict(machine.distribution.environment)
    variables["CMAKE_BUILD_PARALLEL_LEVEL"] = str(machine.processors)
    for name in ("AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH"):
        variables[name] = os.pathsep.join(filter(None, (venv, variables.get(name, ""))))
    return tuple(sorted(variables.items()))


def constraints(machine: Machine) -> Path:
    """The pinned versions: those for NumPy 1 where the distribution's compiled packages were built for it."""
    distribution = machine.distribution
    numpy_1 = distribution is not None and distribution.numpy_major == 1
    return _tools(machine.layout) / ("constraints-numpy1.txt" if numpy_1 else "constraints.txt")


def _tools(layout: Layout) -> Path:
    return layout.root / "tools"


def _venv(machine: Machine) -> Step:
    layout = machine.layout
    route = machine.distribution.name if machine.distribution else "pypi"
    action = MakeVenv(layout.venv, machine.python, machine.python_version, route, layout.state / "route")
    return Step("venv", "Virtual environment", (action,), outputs=(layout.python,), needs=frozenset({"venv"}))


def _pip(machine: Machine, *arguments: str) -> Run:
    """A pip install with the pinned versions; on the distribution's route its packages count as installed."""
    environment = build_environment(machine) if machine.distribution else (("PYTHONPATH", ""),)
    command = (str(machine.layout.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input")
    return Run((*command, "--prefer-binary", "-c", str(constraints(machine)), *arguments), environment)


def _installer(machine: Machine) -> Step:
    # Before pip 24.1 there is no progress to read; from Python 3.12 on an environment has no setuptools of its own.
    run = _pip(machine, "--upgrade", "pip", "setuptools", "wheel")
    return Step("installer", "pip and setuptools", (run,), inputs=(constraints(machine),))


def _ros_packages(machine: Machine) -> Step:
    requirements = _tools(machine.layout) / "requirements-ros.txt"
    run = _pip(machine, "--progress-bar", "raw", "-r", str(requirements))
    return Step("ros", "ROS 2 and colcon from PyPI", (run,), inputs=(requirements, constraints(machine)))


def _mend(machine: Machine) -> Step:
    layout = machine.layout
    site_packages = layout.site_packages(machine.python_version)
    return Step(
        "mend",
        "Mend of the wheels' CMake files",
        (MendCMake(layout.venv, layout.python),),
        watched=((site_packages, "numpy-*.dist-info"), (site_packages, "ros_*.dist-info")),
    )


def _paths(machine: Machine) -> Step:
    """Make `.venv/bin/python` find the generated messages, and a shell find the environment as a ROS prefix."""
    layout = machine.layout
    site_packages = layout.site_packages(machine.python_version)
    actions: list[Action] = [WriteFile(site_packages / "sam3d_ros_interfaces.pth", f"{layout.messages}\n")]
    if machine.distribution:
        remembered = dict(machine.distribution.environment)
        actions += [
            WriteFile(layout.state / "distribution.json", json.dumps(remembered, indent=1, sort_keys=True)),
            WriteFile(site_packages / "sam3d_ros_distribution.py", shell_files.distribution_module()),
            WriteFile(site_packages / "sam3d_ros_distribution.pth", "import sam3d_ros_distribution\n"),
        ]
    else:
        actions += [
            WriteFile(layout.venv / name, text) for name, text in shell_files.prefix_scripts(layout.venv).items()
        ]
    outputs = tuple(action.path for action in actions if isinstance(action, WriteFile))
    return Step("paths", "Search paths", tuple(actions), outputs=outputs)


def _python_packages(machine: Machine) -> Step:
    return _editable(machine, "python", "Python packages (Open3D is the large one)", "")


def _test_tools(machine: Machine) -> Step:
    return _editable(machine, "tests", "Test tools", "[dev]")


def _editable(machine: Machine, name: str, title: str, extra: str) -> Step:
    layout = machine.layout
    options = ("--progress-bar", "raw", "--no-build-isolation", "--config-settings", "editable_mode=compat")
    run = _pip(machine, *options, "-e", f"{layout.root}{extra}")
    inputs = (layout.root / "pyproject.toml", layout.root / "setup.py", constraints(machine))
    return Step(name, title, (run,), inputs=inputs, outputs=(layout.venv / "bin" / "sam3d-ros",))


def _standin(machine: Machine, name: str) -> Step:
    source = machine.layout.root / "interfaces" / name
    return _messages(machine, name, source, (source,))


def _own_messages(machine: Machine) -> Step:
    root = machine.layout.root
    names = ("CMakeLists.txt", "package.xml", "msg", "srv", "action")
    return _messages(machine, "sam3d_ros", root, tuple(root / name for name in names))


def _messages(machine: Machine, name: str, source: Path, inputs: tuple[Path, ...]) -> Step:
    """Configure, build and install one message package into the environment; a change builds only what it touches."""
    layout = machine.layout
    build = layout.state / "build" / name
    environment = build_environment(machine)
    definitions = {
        "CMAKE_INSTALL_PREFIX": str(layout.venv),
        "CMAKE_BUILD_TYPE": "Release",
        "PYTHON_INSTALL_DIR": "lib/sam3d_ros_interfaces",
        "Python3_EXECUTABLE": str(layout.python),
        "BUILD_TESTING": "OFF",
        **({"SAM3D_ROS_INTERFACES_ONLY": "ON"} if name == "sam3d_ros" else {}),
    }
    options = tuple(f"-D{key}={value}" for key, value in definitions.items())
    actions = (
        Run(("cmake", "-S", str(source), "-B", str(build), *options), environment),
        Run(("cmake", "--build", str(build)), environment),
        Remove(layout.messages, name),
        Run(("cmake", "--install", str(build)), environment),
        Remove(layout.messages, f"{name}-*.egg-info"),
        # Without its own __init__ this is a portion of the checkout's package, which extends its path to it.
        *((Remove(layout.messages / name, "__init__.py"),) if name == "sam3d_ros" else ()),
    )
    site_packages = layout.site_packages(machine.python_version)
    watched = ((site_packages, "numpy-*.dist-info"), (site_packages, "ros_*.dist-info"))
    outputs = (layout.messages / name / "msg" / "__init__.py",)
    title = f"Messages of {name}"
    return Step(name, title, actions, inputs, watched, outputs, frozenset({"compiler"}))


def _share(machine: Machine) -> Step:
    """Let `ros2 launch` and `ros2 run` find the checkout's own files where a distribution looks for them."""
    layout = machine.layout
    share = layout.venv / "share" / "sam3d_ros"
    folders = tuple(Link(share / name, layout.root / name) for name in ("launch", "config", "rviz"))
    executables = layout.venv / "lib" / "sam3d_ros"
    names = ("sam3d_node", "tabletop_masks", "bag_player", "sam3d-ros")
    commands = tuple(Link(executables / name, layout.venv / "bin" / name) for name in names)
    links = (*folders, *commands)
    return Step("share", "Launch files and executables", links, outputs=tuple(link.path for link in links))


def _check(machine: Machine, steps: list[Step]) -> Step:
    """Import what the main job needs, after any other step: a set-up that says it is complete is complete."""
    code = "import rclpy, open3d, sam3d_ros.msg, tf2_msgs.msg, vision_msgs.msg"
    run = Run((str(machine.layout.python), "-c", code), (("PYTHONPATH", ""),))
    stamps = tuple(machine.layout.state / "stamps" / step.name for step in steps)
    needs: frozenset[Need] = frozenset({"open3d"})
    return Step("check", "Check that everything imports", (run,), inputs=stamps, needs=needs)
