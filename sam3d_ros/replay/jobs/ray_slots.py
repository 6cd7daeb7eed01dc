"""Workers on a Ray cluster: one actor per slot, results back as bytes."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from .attempt import Failure
from .job import JobsError
from .packing import PackingError, unpack
from .ray_worker import RayWorker
from .slots import POLL_S, Died, Done, Event, Ready
from .version import own_version


class RaySlots:
    """Slots on a connected cluster, spread over its machines."""

    def __init__(self, ray: Any, *, cpus: float, gpus: float) -> None:
        self._ray = ray
        self._actor_class = ray.remote(RayWorker).options(
            num_cpus=cpus,
            num_gpus=gpus,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy="SPREAD",
        )
        self._arguments = {"threads": max(1, int(cpus)), "with_gpu": gpus > 0}
        self._open: list[_RaySlot] = []

    def open(self) -> _RaySlot:
        slot = _RaySlot(self._ray, self._actor_class.remote(**self._arguments))
        self._open.append(slot)
        return slot

    def wait(self, timeout_s: float) -> list[Event]:
        """What has happened. Raises JobsError where a machine has another version of the package."""
        self._open = [slot for slot in self._open if not slot.closed]
        by_answer = {slot.answer: slot for slot in self._open if slot.answer is not None}
        done, _ = self._ray.wait(list(by_answer), num_returns=1, timeout=min(timeout_s, POLL_S))
        return [by_answer[answer].event() for answer in done]

    def close(self) -> None:
        """End all workers."""
        for slot in self._open:
            slot.close()


class _RaySlot:
    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray = ray
        self._actor = actor
        self._folder: Path | None = None
        self.answer = actor.version.remote()  # the reference that is waited for
        self.closed = False

    def submit(self, task: bytes, folder: Path) -> None:
        self._folder = folder
        self.answer = self._actor.run.remote(task)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._ray.kill(self._actor, no_restart=True)

    def event(self) -> Event:
        """The answer that has come."""
        answer, self.answer = self.answer, None
        try:
            value = self._ray.get(answer)
        except self._ray.exceptions.RayError as error:
            return Died(self, _reason(error))
        if self._folder is None:
            _require_version(value)
            return Ready(self)
        failure, seconds, packed = value
        return Done(self, failure or _unpacked(packed, self._folder), seconds)


def _unpacked(packed: bytes, folder: Path) -> Failure | None:
    try:
        unpack(packed, folder)
    except (PackingError, OSError) as error:
        return Failure.of(error)
    return None


def _require_version(theirs: str) -> None:
    if theirs != own_version():
        raise JobsError(
            f"a worker of the cluster has sam3d_ros {theirs}, {socket.gethostname()} has {own_version()}; "
            f"install the same on all machines"
        )


def _reason(error: Exception) -> Failure:
    """One line for Ray's page of text, which becomes the trace."""
    cause = getattr(error, "cause", None)
    if cause is not None:
        return Failure(f"the Ray worker failed: {Failure.of(cause).error}", str(error))
    if "creation task" in str(error):
        last = str(error).strip().splitlines()[-1].strip()
        text = f"a Ray worker could not start ({last}); is sam3d_ros {own_version()} installed on its machine?"
        return Failure(text, str(error))
    address = next((line.split()[1] for line in str(error).splitlines() if line.strip().startswith("ip: ")), "")
    place = f" on {address}" if address else ""
    return Failure(f"the Ray worker{place} died (killed, out of memory, or its machine was lost)", str(error))
