"""An evaluation from tasks to report: worked on anywhere, put together here, taken up again where it was cut off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..jobs import Job, Outcome, run_jobs
from ..jobs.attempt import Executor
from ..report.cards import SummaryValue
from ..report.figures import Failure
from ..report.page import PlacedPart, write_page
from ..report.part import Part, read_part
from .evaluation_tasks import BagTask, FrameTask, work
from .fingerprints import fingerprint

PARTS = "parts"  # folder of the output with one folder for each task


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """What came of an evaluation; `page` is None where every task failed."""

    page: Path | None
    parts: tuple[Part, ...]
    failures: tuple[Failure, ...]


def run_evaluation(
    tasks: Sequence[FrameTask | BagTask],
    output: Path,
    executor: Executor,
    *,
    title: str,
    summary: Mapping[str, SummaryValue],
    on_done: Callable[[Outcome], None] | None = None,
) -> EvaluationResult:
    """Work on the tasks that `output` holds no results of, and write the report of all; raises JobsError.

    A task that fails is named in the report, which is of the others.
    """
    jobs = [Job(_name(task), fingerprint(task), task) for task in tasks]
    outcomes = run_jobs(jobs, work, output / PARTS, executor, on_done=on_done)
    failures = tuple(Failure(outcome.job.name, outcome.error) for outcome in outcomes if outcome.folder is None)
    placed = [
        PlacedPart(read_part(outcome.folder), f"{PARTS}/{outcome.job.name}") for outcome in outcomes if outcome.folder
    ]
    page = write_page(output, placed, title=title, summary=summary, failures=failures) if placed else None
    return EvaluationResult(page, tuple(item.part for item in placed), failures)


def _name(task: FrameTask | BagTask) -> str:
    return task.source.name if isinstance(task, FrameTask) else task.name
