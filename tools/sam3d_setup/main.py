"""The command: find out, plan, and do what is due."""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import stamps, system
from .actions import CommandError, perform
from .console import Console
from .errors import SetupError
from .layout import Layout
from .machine import Machine, look
from .plan import Run, Step, plan

_INTERRUPTED = 130
_LAST_LINES = 12


def main(arguments: Sequence[str] | None = None) -> int:
    """Set up the checkout in which this file lies; 0 when everything is in place."""
    options = _parser().parse_args(arguments)
    layout = Layout(Path(__file__).resolve().parents[2])
    try:
        machine = look(layout, os.environ, options.python or None)
        steps = plan(machine, tests=options.tests)
        if options.plan:
            print_plan(machine, steps)
            return 0
        with only_one(layout):
            carry_out(machine, steps)
    except SetupError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up: interrupted; run it again, it goes on where it stopped", file=sys.stderr)
        return _INTERRUPTED
    return 0


def carry_out(machine: Machine, steps: tuple[Step, ...]) -> None:
    """Do every step that is due; a step is looked at when its turn comes, since those before it may change it."""
    state = machine.layout.state
    if all(stamps.is_done(step, state) for step in steps):
        return
    console = Console(len(steps))
    _system_packages(machine, steps, console)
    for number, step in enumerate(steps, start=1):
        if not stamps.is_done(step, state):
            _do(step, number, machine.layout, console)


def _do(step: Step, number: int, layout: Layout, console: Console) -> None:
    step_key = stamps.key(step)
    stamps.forget(step, layout.state)
    log = layout.build / "logs" / f"{step.name}.log"
    log.unlink(missing_ok=True)
    console.start(number, step.title)
    for action in step.actions:
        try:
            perform(action, log, console.line)
        except CommandError as failure:
            raise SetupError(failure_text(step.title, failure, log)) from failure
    stamps.remember(step, layout.state, step_key)
    console.done()


def _system_packages(machine: Machine, steps: tuple[Step, ...], console: Console) -> None:
    """Install what the system lacks when we may; otherwise end with the command that does."""
    missing = system.lacks(machine, frozenset().union(*(step.needs for step in steps)))
    if not missing:
        return
    commands = system.installation(missing, superuser=system.is_superuser(), has_apt=system.has_apt())
    title = "System packages"
    log = machine.layout.build / "logs" / "system.log"
    console.start(0, title)
    for command in commands:
        try:
            perform(command, log, console.line)
        except CommandError as failure:
            raise SetupError(failure_text(title, failure, log)) from failure
    console.done()


def failure_text(title: str, failure: CommandError, log: Path) -> str:
    """What failed, the end of what it said, where the rest is, and what to try."""
    last = log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
    tail = "\n".join(f"    {line}" for line in last)
    return (
        f"step '{title}' failed: {Path(failure.command[0]).name} ended with status {failure.status}\n{tail}\n"
        f"  whole log: {log}\n  try: {advice(failure.command, tail)}"
    )


def advice(command: tuple[str, ...], tail: str) -> str:
    """What usually helps against this failure."""
    if "No space left" in tail:
        return "free some disk space (the environment takes about 2.5 GB) and run this again"
    if "pip" in command or command[0] == "apt-get":
        return "check the network (proxies: HTTPS_PROXY, a mirror: PIP_INDEX_URL), then run this again"
    if command[0] == "cmake":
        return "after a change of compiler, Python or ROS: rm -rf .venv build, then run this again"
    return "run this again; if it fails in the same way: rm -rf .venv build, then run this again"


def print_plan(machine: Machine, steps: tuple[Step, ...]) -> None:
    """Every step with its commands, marked where there is nothing to do."""
    route = f"ROS 2 {machine.distribution.name}" if machine.distribution else "ROS 2 from PyPI"
    print(f"{route}, Python {'.'.join(map(str, machine.python_version))} ({machine.python})")
    for step in steps:
        print(f"{'done' if stamps.is_done(step, machine.layout.state) else 'due '}  {step.title}")
        for action in step.actions:
            print(f"        {' '.join(action.command) if isinstance(action, Run) else action}")


@contextmanager
def only_one(layout: Layout) -> Iterator[None]:
    """Let a second set-up of this checkout wait for the first."""
    layout.build.mkdir(parents=True, exist_ok=True)
    with (layout.build / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("set-up: another set-up of this checkout is running, waiting for it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools/setup.py", description="Set up everything; does nothing twice.")
    parser.add_argument("--python", metavar="PATH", help="interpreter for the environment (3.10, 3.11 or 3.12)")
    parser.add_argument("--tests", action="store_true", help="also the tools of `make test`")
    parser.add_argument("--plan", action="store_true", help="print the steps and do nothing")
    return parser
