"""Jobs in this process, one after another."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from .attempt import Attempt, Stage, attempt
from .job import Job, Work


@dataclass(frozen=True, slots=True)
class InProcess:
    """No worker processes and no time limit; what kills this process ends the run, and a later one goes on."""

    def run(self, jobs: Sequence[Job], work: Work, stage: Stage) -> Generator[Attempt, None, None]:
        """Answer the jobs in their order."""
        for job in jobs:
            yield Attempt(job, *attempt(work, job.payload, stage(job)))
