"""Where ROS 2 comes from on this machine, and the command that brings more of it from there."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from importlib import metadata, util
from pathlib import Path

OPT_ROS = Path("/opt/ros")


class RouteKind(Enum):
    """Where rclpy is found."""

    DISTRIBUTION = "distribution"
    PYPI = "PyPI"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Route:
    """The route, the distribution's name where there is one, and the checkout where the package runs from one."""

    kind: RouteKind
    distribution: str = ""
    checkout: Path | None = None
    # Distributions that are installed, sourced or not.
    installed: tuple[str, ...] = ()

    def apt(self, package: str) -> str:
        """The command for a package of the distribution; on the PyPI route it says that PyPI has none."""
        name = self.distribution or (self.installed[0] if self.installed else "")
        if self.kind is RouteKind.DISTRIBUTION or name:
            return f"sudo apt-get install ros-{name or '<distribution>'}-{package.replace('_', '-')}"
        return "not on PyPI: these come with a ROS 2 distribution, https://docs.ros.org"

    def pip(self, *packages: str) -> str:
        """The command for packages from PyPI."""
        return f"{sys.executable} -m pip install {' '.join(packages)}"

    def set_up(self) -> str:
        """The command that brings ROS 2 and the generated messages."""
        if self.kind is not RouteKind.DISTRIBUTION and self.installed:
            return f"source {OPT_ROS / self.installed[0]}/setup.bash"
        if self.checkout:
            return f"make -C {self.checkout} setup"
        return "install a ROS 2 distribution (https://docs.ros.org), or clone the project and run `make setup` there"

    def messages(self) -> str:
        """The command that builds and finds the package's own messages."""
        if self.checkout:
            return f"make -C {self.checkout} setup"
        return "colcon build --packages-select sam3d_ros && source install/setup.bash"


def find_route(environment: Mapping[str, str] = os.environ, opt_ros: Path = OPT_ROS) -> Route:
    """Look where rclpy would be imported from; nothing is imported."""
    installed = tuple(sorted(folder.parent.name for folder in opt_ros.glob("*/setup.bash")))
    distribution = environment.get("ROS_DISTRO", "")
    checkout = find_checkout()
    if util.find_spec("rclpy") is None:
        return Route(RouteKind.NONE, distribution, checkout, installed)
    kind = RouteKind.PYPI if has_package("ros-rclpy") else RouteKind.DISTRIBUTION
    return Route(kind, distribution if kind is RouteKind.DISTRIBUTION else "", checkout, installed)


def find_checkout() -> Path | None:
    """The checkout, when the code runs from one."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "tools" / "setup.py").exists() else None


def has_package(name: str) -> bool:
    """Whether pip knows this package."""
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
