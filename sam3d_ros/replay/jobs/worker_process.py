"""A worker process seen from the run. A session of its own: Ctrl-C reaches the run alone, which then ends it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from .attempt import Failure
from .slots import Died, Done, Event, Ready
from .thread_limits import thread_limits

_PATIENCE_S = 5.0
_PROGRAM = "import sys; sys.path[:] = {path!r}; from {module} import main; main({descriptor})"


class WorkerProcess:
    """A slot. Its numeric libraries start at most `threads` threads; what it prints goes to our standard error."""

    def __init__(self, threads: int) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        program = _PROGRAM.format(path=sys.path, module=f"{__package__}.worker", descriptor=theirs.fileno())
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", program],
                env=os.environ | thread_limits(threads),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,
                start_new_session=True,
            )
        self._working = True  # starting counts
        self._ready = False

    def submit(self, task: bytes, folder: Path) -> None:
        """Give it a job."""
        self._working = True
        with contextlib.suppress(OSError):  # dead already: `event` tells
            self.connection.send((task, folder))

    def event(self) -> Event | None:
        """What has happened since the last call, without waiting."""
        # Looked at first: what a process says before it ends lies in the connection by then.
        ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        try:
            if self.connection.poll():
                return self._event_of(self.connection.recv())
        except (EOFError, OSError):
            ended = True
        return Died(self, self._death()) if ended else None

    def close(self) -> None:
        """End it with whatever it has started: an idle worker leaves by itself, a working one is killed."""
        if self._process.returncode is not None:
            return
        if not self._working:
            with contextlib.suppress(OSError):
                self.connection.send(None)
                self.connection.poll(_PATIENCE_S)  # returns when the process is gone
        self._kill()

    def _event_of(self, message: Any) -> Event:
        self._working = False
        if not self._ready:
            self._ready = True
            return Ready(self)
        failure, seconds = message
        return Done(self, failure, seconds)

    def _death(self) -> Failure:
        self._kill()
        status = self._process.returncode
        text = f"the worker process {_how_it_ended(status)}"
        return Failure(text, text)

    def _kill(self) -> None:
        # The number of the process group stays its own as long as the process is not waited for.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.connection.close()


def _how_it_ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    if -status == signal.SIGKILL:
        return f"died (signal {-status}; out of memory?)"
    return f"died (signal {-status}, {signal.Signals(-status).name})"
