"""What the user sees: one line per step, with what it is doing now, and how long it took."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

_COLLECTING = re.compile(r"^(?:Collecting|Downloading|Using cached|Installing collected packages|Building) *(.*)")
_PROGRESS = re.compile(r"^Progress (\d+) of (\d+)")
_PERCENT = re.compile(r"^\[ *(\d+)%\]")
# Without a terminal a line is printed only now and then: a log of a build server should stay readable.
_QUIET_INTERVAL_S = 10.0


class Console:
    """Prints the progress of one step after the other."""

    def __init__(self, steps: int, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._steps = steps
        self._stream = stream or sys.stdout
        self._clock = clock
        self._terminal = self._stream.isatty()
        self._number = 0
        self._title = ""
        self._activity = ""
        self._started = self._shown = clock()

    def start(self, number: int, title: str) -> None:
        """Announce a step by its number in the plan."""
        self._number = number
        self._title = title
        self._activity = ""
        self._started = self._shown = self._clock()
        self._show("")

    def line(self, line: str) -> None:
        """Take one line of output of pip or CMake and show what it tells."""
        activity = describe(line, self._activity)
        if activity is None:
            return
        self._activity = activity.split("  ")[0]
        interval = 0.1 if self._terminal else _QUIET_INTERVAL_S
        if self._clock() - self._shown >= interval:
            self._shown = self._clock()
            self._show(activity)

    def done(self) -> None:
        """Close the step with the time it took."""
        self._show(f"{self._clock() - self._started:.0f} s", end="\n")

    def _show(self, text: str, end: str = "") -> None:
        line = f"[{self._number}/{self._steps}] {self._title:<44}{text}"
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write("\r\x1b[K" + line[:width] + end)
        elif text or not end:
            self._stream.write(line.rstrip() + "\n")
        self._stream.flush()


def describe(line: str, activity: str) -> str | None:
    """What a line of pip or CMake says about the progress, in a few words; None for lines that say nothing."""
    if match := _PROGRESS.match(line):
        done, total = (int(number) for number in match.groups())
        return f"{activity}  {done / 1e6:.0f} of {total / 1e6:.0f} MB"
    if match := _PERCENT.match(line):
        return f"{match.group(1)} %"
    if match := _COLLECTING.match(line.strip()):
        return match.group(0).split(" (")[0].split(",")[0].rsplit("/", 1)[-1][:60]
    return None
