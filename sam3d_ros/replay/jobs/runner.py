"""Jobs to outcomes: what is finished is taken as it is, the rest goes to an executor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from .attempt import Executor
from .job import Job, Outcome, Work, check_jobs, check_work
from .ledger import Ledger


def run_jobs(
    jobs: Sequence[Job],
    work: Work,
    folder: Path,
    executor: Executor,
    *,
    retry_failed: bool = True,
    on_done: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Run every job that `folder` holds no results of, with the same fingerprint; outcomes in the order of the jobs.

    Results lie in `folder/<name>` and appear all at once; a failed job leaves `folder/<name>.failed.json`, which the
    next success removes. Interrupted at any time, the same call goes on. `retry_failed=False` takes failures of an
    earlier run as they are, too. `on_done` hears of each outcome as it comes, in this process. Raises JobsError where
    names, folder or executor cannot be used, and nothing for failing jobs.
    """
    check_jobs(jobs)
    check_work(work)
    outcomes: dict[str, Outcome] = {}

    def note(outcome: Outcome) -> None:
        outcomes[outcome.job.name] = outcome
        if on_done is not None:
            on_done(outcome)

    with Ledger(folder) as ledger:
        for job in jobs:
            ledger.check(job)
        for job in jobs:
            earlier = ledger.finished(job) or (None if retry_failed else ledger.failed(job))
            if earlier:
                note(earlier)
        due = [job for job in jobs if job.name not in outcomes]
        if due:
            with closing(executor.run(due, work, ledger.stage)) as attempts:
                for attempt in attempts:
                    note(ledger.settle(attempt))
    return [outcomes[job.name] for job in jobs]
