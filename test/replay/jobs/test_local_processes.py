"""Worker processes: the same files as without them, and no job that takes others with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from job_works import BadWhenMadeAgain, contents, job, note_process, runs, work

from sam3d_ros.replay.jobs import InProcess, Job, JobsError, LocalProcesses, run_jobs
from sam3d_ros.replay.jobs.thread_limits import processors


def workers(markers) -> set[int]:
    """Numbers of the processes that ran jobs."""
    return {int(path.name.split(".")[1]) for path in markers.iterdir()}


def living(numbers) -> list[int]:
    """Those of the processes that run."""
    # What nobody has waited for yet has ended all the same.
    states = {number: state_of(number) for number in numbers}
    return [number for number, state in states.items() if state not in (None, "Z")]


def state_of(number: int) -> str | None:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def wait_until(condition) -> None:
    deadline = time.monotonic() + 30.0
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_workers_write_the_same_files_as_this_process(markers, tmp_path):
    jobs = [job(f"job_{index}", markers, value=index) for index in range(5)]
    run_jobs(jobs, work, tmp_path / "one", InProcess())
    outcomes = run_jobs(jobs, work, tmp_path / "two", LocalProcesses(2))
    assert [outcome.job for outcome in outcomes] == jobs
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    assert len(contents(tmp_path / "one")) == 10


def test_jobs_that_raise_exit_or_cannot_travel_fail_alone(markers, output):
    jobs = [
        job("raises", markers, message="no depth"),
        job("exits", markers, exit=3),
        job("unpicklable", markers, lock=threading.Lock()),
        job("made_badly", markers, thing=BadWhenMadeAgain()),
        job("good", markers),
    ]
    outcomes = run_jobs(jobs, work, output, LocalProcesses(2))
    assert [outcome.error.split(":")[0] for outcome in outcomes] == [
        "ValueError",
        "SystemExit",
        "the payload cannot be pickled",
        "ValueError",
        "",
    ]
    assert "TypeError: cannot pickle" in outcomes[2].error
    assert "job_works.py" in outcomes[0].trace


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        ({"signal": signal.SIGKILL}, "the worker process died (signal 9; out of memory?)"),
        ({"signal": signal.SIGSEGV}, "the worker process died (signal 11, SIGSEGV)"),
        ({"status": 3}, "the worker process ended with status 3"),
    ],
)
def test_a_job_that_kills_its_worker_is_tried_twice_and_the_others_go_on(markers, output, harm, reason):
    jobs = [job("deadly", markers, **harm), *(job(f"good_{index}", markers) for index in range(3))]
    deadly, *others = run_jobs(jobs, work, output, LocalProcesses(2))
    assert deadly.error == reason
    assert runs(markers, "deadly") == 2
    assert all(outcome.folder for outcome in others)
    assert [runs(markers, outcome.job.name) for outcome in others] == [1, 1, 1]
    assert sorted(path.name for path in output.iterdir()) == [
        ".lock",
        "deadly.failed.json",
        "good_0",
        "good_1",
        "good_2",
    ]


def test_a_job_whose_worker_was_killed_once_is_done_after_all_others(markers, output):
    heard = []
    jobs = [job("unlucky", markers, die_once=True), job("b", markers), job("c", markers)]
    outcomes = run_jobs(jobs, work, output, LocalProcesses(1), on_done=lambda outcome: heard.append(outcome.job.name))
    assert [outcome.error for outcome in outcomes] == ["", "", ""]
    assert heard == ["b", "c", "unlucky"]
    assert contents(output / "unlucky").keys() == {"result.txt", "pictures/täble.bin"}


def test_a_job_that_takes_too_long_is_ended_and_not_tried_again(markers, output):
    jobs = [job("slow", markers, seconds=600), job("good", markers)]
    slow, good = run_jobs(jobs, work, output, LocalProcesses(1, timeout_s=1.5))
    assert slow.error == "TimeoutError: the job took longer than 1.5 s and was ended"
    assert runs(markers, "slow") == 1
    assert good.folder


def test_workers_are_few_and_stay_for_many_jobs(markers, output, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    jobs = [job(f"job_{index}", markers) for index in range(8)]
    outcomes = run_jobs(jobs, note_process, output, LocalProcesses(2))
    notes = [(outcome.folder / "process.txt").read_text().split("\n") for outcome in outcomes]
    assert len({note[0] for note in notes}) <= 2
    assert str(os.getpid()) not in {note[0] for note in notes}
    assert max(int(note[1]) for note in notes) >= 4
    assert {note[2] for note in notes} == {str(max(1, processors() // 2))}
    assert {note[4] for note in notes} == {"7"}


def test_workers_that_never_start_end_the_run_with_their_reason(markers, output, monkeypatch):
    monkeypatch.setattr("sam3d_ros.replay.jobs.worker_process._PROGRAM", "raise SystemExit(5)")
    with pytest.raises(JobsError, match=r"3 workers ended before they were ready.*status 5"):
        run_jobs([job("a", markers)], work, output, LocalProcesses(2))


def test_an_interruption_in_the_middle_leaves_no_worker(markers, output):
    def interrupt(outcome):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs(
            [job("a", markers), job("b", markers, seconds=600)], work, output, LocalProcesses(2), on_done=interrupt
        )
    assert workers(markers)
    assert living(workers(markers)) == []
    assert sorted(path.name for path in output.iterdir()) == [".lock", "a"]


PROGRAM = """
import sys
from pathlib import Path
from job_works import job, work
from sam3d_ros.replay.jobs import LocalProcesses, run_jobs
folder = Path(sys.argv[1])
jobs = [job("quick", folder / "markers"), job("slow", folder / "markers", seconds_at_first=600)]
run_jobs(jobs, work, folder / "out", LocalProcesses(2))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_no_worker_and_goes_on_later(markers, output, number):
    path = os.pathsep.join(entry for entry in sys.path if entry)
    command = [sys.executable, "-c", PROGRAM, str(output.parent)]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: runs(markers, "slow") and (output / "quick").exists())
        process.send_signal(number)
    wait_until(lambda: living(workers(markers)) == [])
    assert not (output / "slow").exists()
    jobs = [job("quick", markers), job("slow", markers)]
    assert [outcome.reused for outcome in run_jobs(jobs, work, output, InProcess())] == [True, False]
    assert sorted(path.name for path in output.iterdir()) == [".lock", "quick", "slow"]
    assert sorted(path.name for path in (output / "slow").iterdir()) == ["job.json", "pictures", "result.txt"]


@pytest.mark.parametrize(("workers", "limit"), [(0, None), (-1, None), (1, 0.0), (1, float("nan"))])
def test_limits_that_cannot_work_are_refused(markers, output, workers, limit):
    with pytest.raises(JobsError, match="give"):
        run_jobs([Job("a", "1", {})], work, output, LocalProcesses(workers, timeout_s=limit))
