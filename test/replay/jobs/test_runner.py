"""What a run leaves in its folder, and what the next one takes from there."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest
from job_works import job, runs, work

from sam3d_ros.replay.jobs import InProcess, Job, JobsError, own_version, run_jobs


def read(path: Path):
    return json.loads(path.read_text())


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def test_results_lie_in_a_folder_of_the_jobs_name(markers, output):
    (outcome,) = run_jobs([job("a", markers, value=3)], work, output, InProcess())
    assert (outcome.folder, outcome.error, outcome.trace, outcome.reused) == (output / "a", "", "", False)
    assert visible(output / "a") == ["job.json", "pictures", "result.txt"]
    assert (output / "a" / "result.txt").read_text() == "a 3\n"
    note = read(output / "a" / "job.json")
    assert note.pop("seconds") >= 0
    assert note == {"name": "a", "fingerprint": "1", "version": own_version()}
    assert hidden(output) == [".lock"]


def test_outcomes_come_in_the_order_of_the_jobs(markers, output):
    run_jobs([job("b", markers)], work, output, InProcess())
    heard = []
    jobs = [job(name, markers) for name in "cba"]
    outcomes = run_jobs(jobs, work, output, InProcess(), on_done=lambda outcome: heard.append(outcome.job.name))
    assert [outcome.job for outcome in outcomes] == jobs
    assert heard == ["b", "c", "a"]
    assert [outcome.reused for outcome in outcomes] == [False, True, False]


def test_a_failing_job_leaves_its_reason_and_the_rest_is_done(markers, output):
    jobs = [job("a", markers, message="no depth\nin frame 3"), job("b", markers), job("c", markers, exit="bad option")]
    first, second, third = run_jobs(jobs, work, output, InProcess())
    assert (first.folder, first.error) == (None, "ValueError: no depth in frame 3")
    assert "job_works.py" in first.trace
    assert third.error == "SystemExit: bad option"
    assert second.folder is not None
    assert visible(output) == ["a.failed.json", "b", "c.failed.json"]
    note = read(output / "a.failed.json")
    assert (note["fingerprint"], note["error"], note["trace"]) == ("1", first.error, first.trace)


def test_what_is_finished_is_not_run_again(markers, output):
    for _ in range(2):
        (outcome,) = run_jobs([job("a", markers)], work, output, InProcess())
    assert runs(markers, "a") == 1
    assert (outcome.reused, outcome.folder) == (True, output / "a")
    assert outcome.seconds == read(output / "a" / "job.json")["seconds"]


def test_a_changed_fingerprint_is_run_again_and_replaces_all(markers, output):
    run_jobs([job("a", markers)], work, output, InProcess())
    (output / "a" / "left.txt").touch()
    (outcome,) = run_jobs([job("a", markers, fingerprint="2", value=7)], work, output, InProcess())
    assert runs(markers, "a") == 2
    assert not outcome.reused
    assert (output / "a" / "result.txt").read_text() == "a 7\n"
    assert not (output / "a" / "left.txt").exists()


def test_a_changed_job_that_fails_leaves_the_earlier_results_but_is_not_done(markers, output):
    run_jobs([job("a", markers)], work, output, InProcess())
    (outcome,) = run_jobs([job("a", markers, fingerprint="2", message="no")], work, output, InProcess())
    assert outcome.folder is None
    assert read(output / "a" / "job.json")["fingerprint"] == "1"
    (again,) = run_jobs([job("a", markers)], work, output, InProcess())
    assert again.reused
    assert visible(output) == ["a"]


def test_failed_jobs_are_run_again_and_their_reason_vanishes_with_success(markers, output):
    run_jobs([job("a", markers, message="no")], work, output, InProcess())
    (outcome,) = run_jobs([job("a", markers)], work, output, InProcess())
    assert outcome.folder == output / "a"
    assert visible(output) == ["a"]


def test_failures_are_kept_on_demand_as_long_as_the_fingerprint_is_the_same(markers, output):
    (first,) = run_jobs([job("a", markers, message="no")], work, output, InProcess())
    (second,) = run_jobs([job("a", markers)], work, output, InProcess(), retry_failed=False)
    assert (second.error, second.trace, second.reused) == (first.error, first.trace, True)
    assert runs(markers, "a") == 1
    (third,) = run_jobs([job("a", markers, fingerprint="2")], work, output, InProcess(), retry_failed=False)
    assert third.folder == output / "a"


def test_an_interrupted_run_goes_on_where_it_was(markers, output):
    def interrupt(outcome):
        raise KeyboardInterrupt

    jobs = [job(name, markers) for name in "abc"]
    with pytest.raises(KeyboardInterrupt):
        run_jobs(jobs, work, output, InProcess(), on_done=interrupt)
    assert visible(output) == ["a"]
    assert hidden(output) == [".lock"]
    assert [outcome.reused for outcome in run_jobs(jobs, work, output, InProcess())] == [True, False, False]
    assert [runs(markers, name) for name in "abc"] == [1, 1, 1]


def test_what_a_killed_run_left_half_done_is_cleared(markers, output):
    (output / ".unfinished" / "a").mkdir(parents=True)
    (output / ".unfinished" / "a" / "half.txt").touch()
    run_jobs([job("a", markers)], work, output, InProcess())
    assert visible(output / "a") == ["job.json", "pictures", "result.txt"]
    assert hidden(output) == [".lock"]


def test_an_unreadable_note_means_that_the_job_is_run_again(markers, output):
    run_jobs([job("a", markers)], work, output, InProcess())
    (output / "a" / "job.json").write_text("")
    (outcome,) = run_jobs([job("a", markers)], work, output, InProcess())
    assert not outcome.reused
    assert read(output / "a" / "job.json")["fingerprint"] == "1"


def test_a_folder_that_is_no_result_is_not_touched(markers, output):
    (output / "b").mkdir(parents=True)
    (output / "b" / "precious.txt").touch()
    with pytest.raises(JobsError, match=r"out/b: holds no job\.json.*choose another output folder"):
        run_jobs([job("a", markers), job("b", markers)], work, output, InProcess())
    assert visible(output) == ["b"]
    assert visible(output / "b") == ["precious.txt"]
    assert runs(markers, "a") == 0


def test_an_output_that_is_a_file_is_refused(markers, output):
    output.touch()
    with pytest.raises(JobsError, match="out: is a file"):
        run_jobs([job("a", markers)], work, output, InProcess())


def test_two_runs_cannot_share_a_folder(markers, output):
    output.mkdir()
    with (output / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(JobsError, match="another run is at work there"):
            run_jobs([job("a", markers)], work, output, InProcess())
    assert run_jobs([job("a", markers)], work, output, InProcess())[0].folder


def write_note(payload, folder):
    (folder / "job.json").touch()


def test_the_runners_own_file_cannot_be_written_by_the_work(markers, output):
    (outcome,) = run_jobs([job("a", markers)], write_note, output, InProcess())
    assert "the work wrote job.json" in outcome.error
    assert visible(output) == ["a.failed.json"]


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "a/b", "a\\b", "a\0b", "x.failed.json", "x" * 201, "ä" * 101])
def test_names_that_are_no_folder_names_are_refused(output, name):
    with pytest.raises(JobsError, match="name"):
        run_jobs([Job(name, "1", {})], work, output, InProcess())
    assert not output.exists()


def test_a_name_of_the_longest_kind_works(markers, output):
    (outcome,) = run_jobs([Job("x" * 200, "1", {"name": "x", "markers": markers})], work, output, InProcess())
    assert outcome.folder
    jobs = [Job("y" * 200, "1", {"name": "y", "markers": markers, "message": "no"})]
    assert run_jobs(jobs, work, output, InProcess())[0].error == "ValueError: no"


def test_names_must_differ_and_fingerprints_say_something(markers, output):
    with pytest.raises(JobsError, match="two jobs are named 'a'"):
        run_jobs([job("a", markers), job("a", markers)], work, output, InProcess())
    with pytest.raises(JobsError, match="job 'a' has an empty fingerprint"):
        run_jobs([job("a", markers, fingerprint="")], work, output, InProcess())


def test_work_that_workers_cannot_import_is_refused(markers, output):
    def local_work(payload, folder): ...

    with pytest.raises(JobsError, match="must be a function of a module"):
        run_jobs([job("a", markers)], local_work, output, InProcess())


def test_no_jobs_are_done_at_once(output):
    assert run_jobs([], work, output, InProcess()) == []
