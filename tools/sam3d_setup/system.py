"""What the operating system must have, and the package that brings it on Debian and Ubuntu."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import SetupError
from .machine import Machine
from .plan import Run

# Shared libraries that Open3D and the scientific packages load, and the packages they are in.
LIBRARIES = {
    "libusb-1.0.so.0": "libusb-1.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libX11.so.6": "libx11-6",
    "libgomp.so.1": "libgomp1",
    "libudev.so.1": "libudev1",
    "libidn2.so.0": "libidn2-0",
}
COMMANDS = {"gcc": "gcc", "g++": "g++", "cmake": "cmake", "make": "make"}
OLDEST_CMAKE = (3, 20)


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that is missing, and the apt package with it (empty: apt has none for this interpreter)."""

    what: str
    package: str


def lacks(machine: Machine, needs: Iterable[str]) -> tuple[Lack, ...]:
    """All that is missing for these needs, so that it can be named, or installed, at once."""
    wanted = set(needs)
    found: list[Lack] = []
    if "venv" in wanted:
        found += _venv_lacks(machine)
    if "compiler" in wanted:
        found += _compiler_lacks(machine)
    if "open3d" in wanted:
        found += [Lack(name, package) for name, package in LIBRARIES.items() if not _loads(name)]
    return tuple(found)


def apt_command(missing: Iterable[Lack]) -> tuple[str, ...]:
    """The command that installs what is missing."""
    packages = sorted({lack.package for lack in missing if lack.package})
    return ("apt-get", "install", "-y", "--no-install-recommends", *packages)


def installation(missing: tuple[Lack, ...], *, superuser: bool, has_apt: bool) -> tuple[Run, ...]:
    """The commands to run; SetupError in one line, with the exact command, where we may not or cannot install."""
    names = ", ".join(lack.what for lack in missing)
    if any(not lack.package for lack in missing) or not has_apt:
        libraries = f" ({' '.join(apt_command(missing)[4:])} on Debian and Ubuntu)"
        raise SetupError(f"this machine lacks {names}{libraries}: install it and run this again")
    command = apt_command(missing)
    if not superuser:
        raise SetupError(f"this machine lacks {names}. Install with: sudo {' '.join(command)}")
    quiet = (("DEBIAN_FRONTEND", "noninteractive"),)
    return (Run(("apt-get", "update"), quiet), Run(command, quiet))


def is_superuser() -> bool:
    """Whether packages of the system may be installed."""
    return os.geteuid() == 0


def has_apt() -> bool:
    """Whether this is Debian, Ubuntu or one of their family."""
    return shutil.which("apt-get") is not None


def _venv_lacks(machine: Machine) -> list[Lack]:
    if _succeeds(machine.python, "import ensurepip, venv"):
        return []
    return [Lack("the Python modules venv and ensurepip", _python_package(machine, "venv"))]


def _compiler_lacks(machine: Machine) -> list[Lack]:
    found = [Lack(name, package) for name, package in COMMANDS.items() if shutil.which(name) is None]
    if (version := _cmake_version()) and version < OLDEST_CMAKE:
        raise SetupError("CMake {}.{} is too old: {}.{} or newer is needed".format(*version, *OLDEST_CMAKE))
    headers = "import os, sysconfig; assert os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h'))"
    if not _succeeds(machine.python, headers):
        found.append(Lack("Python.h", _python_package(machine, "dev")))
    return found


def _python_package(machine: Machine, suffix: str) -> str:
    """For example python3.11-venv; empty for an interpreter that does not come from the system's packages."""
    if not str(Path(machine.python).resolve()).startswith("/usr/bin/"):
        return ""
    return "python{}.{}-{}".format(*machine.python_version, suffix)


def _cmake_version() -> tuple[int, int] | None:
    if shutil.which("cmake") is None:
        return None
    answer = subprocess.run(["cmake", "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"(\d+)\.(\d+)", answer.stdout)
    return (int(match[1]), int(match[2])) if match else None


def _succeeds(python: str, code: str) -> bool:
    return subprocess.run([python, "-I", "-c", code], capture_output=True, check=False).returncode == 0


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
