"""Carrying out the actions of a step."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from .errors import SetupError
from .mend import mend
from .plan import Action, Link, MakeVenv, MendCMake, Remove, Run, WriteFile

OnLine = Callable[[str], None]


class CommandError(RuntimeError):
    """A command ended with an error; everything it wrote is in the log."""

    def __init__(self, command: tuple[str, ...], status: int) -> None:
        super().__init__(f"{' '.join(command)} ended with status {status}")
        self.command = command
        self.status = status


def perform(action: Action, log: Path, on_line: OnLine) -> None:
    """Do one thing; output of commands goes into the log and, line by line, to `on_line`."""
    if isinstance(action, Run):
        run(action, log, on_line)
    elif isinstance(action, MakeVenv):
        make_venv(action, log, on_line)
    elif isinstance(action, MendCMake):
        mend(action.prefix, include_folders(action.python))
    elif isinstance(action, WriteFile):
        write(action)
    elif isinstance(action, Link):
        link(action)
    else:
        remove(action)


def run(action: Run, log: Path, on_line: OnLine) -> None:
    """Run a command to its end; CommandError when it says that it failed."""
    environment = completed(os.environ, action)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.write(f"$ {' '.join(action.command)}\n")
        with subprocess.Popen(
            action.command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout or ():
                if not line.startswith("Progress "):
                    file.write(line)
                on_line(line)
    if process.returncode:
        raise CommandError(action.command, process.returncode)


def completed(current: Mapping[str, str], action: Run) -> dict[str, str]:
    """The variables with which a command runs."""
    changes = dict(action.environment)
    if "PATH" in changes:
        changes["PATH"] = os.pathsep.join((changes["PATH"], current.get("PATH", os.defpath)))
    return {name: value for name, value in {**current, **changes}.items() if value}


def make_venv(action: MakeVenv, log: Path, on_line: OnLine) -> None:
    """Make the environment from nothing, unless the one that is there works and is of the right kind."""
    if is_usable(action):
        write(WriteFile(action.route_file, action.route))
        return
    if action.path.exists():
        on_line(
            f"replacing {action.path}: made by another Python, for another route, in another place, or incomplete\n"
        )
        shutil.rmtree(action.path)
    options = ("--system-site-packages",) if action.system_site_packages else ()
    run(Run((action.python, "-m", "venv", *options, str(action.path)), (("PYTHONPATH", ""),)), log, on_line)
    write(WriteFile(action.route_file, action.route))


def is_usable(action: MakeVenv) -> bool:
    """Whether the environment runs, has pip, lies where it was made, and fits version and route."""
    code = "import json, sys, pip; print(json.dumps([sys.prefix, sys.version_info[:2]]))"
    python = action.path / "bin" / "python"
    configuration = action.path / "pyvenv.cfg"
    script = action.path / "bin" / "pip"
    if not (python.exists() and configuration.exists() and script.exists()):
        return False
    answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    if answer.returncode:
        return False
    prefix, version = json.loads(answer.stdout)
    system = "include-system-site-packages = true" in configuration.read_text()
    # The first line of bin/pip names the place where the environment was made; a copied one still names the old one.
    at_home = str(action.path) in "".join(script.read_text().splitlines(keepends=True)[:3])
    same_kind = tuple(version) == action.python_version and system == action.system_site_packages
    same_route = not action.route_file.exists() or action.route_file.read_text() == action.route
    return Path(prefix) == action.path and at_home and same_kind and same_route


def include_folders(python: Path) -> tuple[str, ...]:
    """Header folders of an interpreter and of its NumPy."""
    code = "import numpy, sysconfig; print(sysconfig.get_path('include')); print(numpy.get_include())"
    answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SetupError(f"{python} cannot import NumPy: {answer.stderr.strip()}")
    return tuple(answer.stdout.split("\n")[:2])


def write(action: WriteFile) -> None:
    """Write the file in one go, so that an interrupted set-up leaves no half of it."""
    action.path.parent.mkdir(parents=True, exist_ok=True)
    partial = action.path.with_name(action.path.name + ".part")
    partial.write_text(action.text)
    partial.replace(action.path)


def link(action: Link) -> None:
    """Make the link, also in place of what is there."""
    action.path.parent.mkdir(parents=True, exist_ok=True)
    remove(Remove(action.path.parent, action.path.name))
    action.path.symlink_to(action.target)


def remove(action: Remove) -> None:
    """Remove files and folders; nothing there is fine."""
    for path in action.folder.glob(action.pattern):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
