"""Inside a worker process: jobs come through a connection, their answers go back, and its end is the worker's end."""

from __future__ import annotations

import os
import pickle
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

from ...waiting_threads import wait_briefly
from .attempt import Failure, attempt

Answer = tuple[Failure | None, float]  # and the seconds it took
_Message = tuple[bytes, Path]  # the task, and the folder to fill


def main(descriptor: int) -> None:
    """Serve the connection until an empty message comes; end at once where the other side is gone."""
    wait_briefly()
    os.set_inheritable(descriptor, False)
    os.dup(descriptor)  # never closed: the other side sees the end of the connection when the process has ended
    connection = Connection(descriptor)
    messages: SimpleQueue[_Message | None] = SimpleQueue()
    threading.Thread(target=_read, args=(connection, messages), daemon=True).start()
    connection.send(None)
    while (message := messages.get()) is not None:
        connection.send(run_task(*message))


def run_task(task: bytes, folder: Path) -> Answer:
    """Unpickle (work, payload) and run it; whatever fails is the answer."""
    try:
        work, payload = pickle.loads(task)
    except Exception as error:  # noqa: BLE001 - a payload may raise anything when it is made again: reported
        return Failure.of(error), 0.0
    return attempt(work, payload, folder)


def _read(connection: Connection, messages: SimpleQueue[_Message | None]) -> None:
    # A thread of its own, so that a worker in the middle of a job notices that its run was killed.
    try:
        while (message := connection.recv()) is not None:
            messages.put(message)
        messages.put(None)
    except (EOFError, OSError):
        os._exit(1)
