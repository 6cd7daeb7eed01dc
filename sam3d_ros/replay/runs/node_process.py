"""The reconstruction node as a process of its own, ended in every case."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

_PATIENCE_S = 8.0


class NodeError(RuntimeError):
    """The node ended by itself or never came up; the message holds the end of its log."""


class NodeProcess:
    """Use it in a `with` statement: the node runs inside, and is gone after it. Its output goes into `log`.

    `remap` maps the node's topic names to topics, `parameters` are written as YAML understands them.
    """

    def __init__(self, log: Path, *, remap: Mapping[str, str], parameters: Mapping[str, str]) -> None:
        self.log = log
        self._command = [sys.executable, "-m", "sam3d_ros.node.main", "--ros-args"]
        for name, topic in remap.items():
            self._command += ["-r", f"{name}:={topic}"]
        for name, value in parameters.items():
            self._command += ["-p", f"{name}:={value}"]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> NodeProcess:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as sink:
            # A session of its own: Ctrl-C in the terminal reaches the player first, which then ends the node.
            self._process = subprocess.Popen(
                self._command, stdout=sink, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
            )
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            os.killpg(process.pid, number)
            try:
                process.wait(_PATIENCE_S)
                return
            except subprocess.TimeoutExpired:
                continue

    @property
    def pid(self) -> int:
        """Process number while it runs."""
        assert self._process is not None, "the node has not been started"
        return self._process.pid

    def require_alive(self) -> None:
        """Raise NodeError where the node has ended."""
        if self._process is None or self._process.poll() is None:
            return
        raise NodeError(f"the node ended with status {self._process.returncode}; the end of {self.log}:\n{self.tail()}")

    def tail(self, lines: int = 15) -> str:
        """The last lines of the node's output."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def end_on_sigterm() -> None:
    """Let SIGTERM end this process like Ctrl-C does, so that `with` statements run to their end."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
