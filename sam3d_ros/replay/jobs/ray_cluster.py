"""Jobs on the machines of a Ray cluster."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from .attempt import Attempt, Stage
from .job import Job, JobsError, Work
from .ray_connection import connected, import_ray
from .ray_slots import RaySlots
from .scheduler import Limits, Scheduler


@dataclass(frozen=True, slots=True)
class RayCluster:
    """Each worker is a process that runs many jobs. Inputs are read there, under the same paths; results come back.

    `address`: `local`, `auto`, `HOST:PORT` or `ray://HOST:PORT` (see `ray_connection.connected`). A worker without
    a share of a GPU sees no GPU. All machines need the same version of this package.
    """

    address: str
    workers: int | None = None  # None: as many as the cluster has processors and GPUs for
    cpus_per_worker: float = 1.0
    gpus_per_worker: float = 0.0
    timeout_s: float | None = None  # of a job
    start_timeout_s: float = 120.0  # for the first worker, and for another when all are lost

    def run(self, jobs: Sequence[Job], work: Work, stage: Stage) -> Generator[Attempt, None, None]:
        """Answer the jobs as they end. Raises JobsError where the cluster does not answer or has other versions."""
        if not self.cpus_per_worker > 0 or not self.gpus_per_worker >= 0:
            asked = f"{self.cpus_per_worker:g} processors and {self.gpus_per_worker:g} GPUs"
            raise JobsError(f"a worker cannot have {asked}; give more than 0 processors and no negative number")
        ray = import_ray()
        local_cpus = None if self.workers is None else math.ceil(self.workers * self.cpus_per_worker)
        with connected(ray, self.address, local_cpus):
            count = self.workers or self._room(ray.cluster_resources())
            limits = Limits(count, count, self.timeout_s, self.start_timeout_s)
            slots = RaySlots(ray, cpus=self.cpus_per_worker, gpus=self.gpus_per_worker)
            yield from Scheduler(slots, work, stage, limits).run(jobs)

    def _room(self, resources: dict[str, Any]) -> int:
        cpus, gpus = resources.get("CPU", 0.0), resources.get("GPU", 0.0)
        count = cpus // self.cpus_per_worker
        if self.gpus_per_worker:
            count = min(count, gpus // self.gpus_per_worker)
        if count < 1:
            asked = f"{self.cpus_per_worker:g} processors and {self.gpus_per_worker:g} GPUs"
            raise JobsError(
                f"Ray at {self.address} has {cpus:g} processors and {gpus:g} GPUs, a worker asks for {asked}"
            )
        return int(count)
