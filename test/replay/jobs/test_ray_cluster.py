"""A Ray cluster of two machines, both this one: the same files, and no worker that takes the run with it."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest
from job_works import Unstartable, contents, job, link, note_process, read_input, runs, work

from sam3d_ros.replay.jobs import InProcess, Job, JobsError, RayCluster, own_version, run_jobs

HERE = Path(__file__).resolve().parent
MARK = f"SAM3D_JOBS_TEST={uuid.uuid4().hex}"  # in the environment of all that these tests start
WAIT_S = 30.0


@pytest.fixture(scope="module")
def ray():
    """The package, with a token so that nobody else on this machine's network can use the clusters of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv(*MARK.split("="))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parents[2])]))
        yield pytest.importorskip("ray", reason="ray is missing: pip install 'sam3d_ros[ray]'")


@pytest.fixture(scope="module")
def cluster(ray):
    """Two nodes with one processor each."""
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        nodes.add_node(num_cpus=1)
        yield nodes
    finally:
        ray.shutdown()
        nodes.shutdown()
    assert started_processes() == []


def started_processes(mark: str = MARK) -> list[str]:
    """Command lines of the living processes with the mark, this one excluded; they get some time to end."""
    deadline = time.monotonic() + WAIT_S
    while (found := _marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def raylet(node) -> int:
    """Number of the process that starts the workers of a node."""
    return node.all_processes["raylet"][0].process.pid


def parent(number: int) -> int:
    """Number of the process that started a process."""
    return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])


def _marked(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            if mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def test_workers_of_two_machines_write_the_same_files_as_this_process(cluster, markers, tmp_path):
    jobs = [job(f"job_{index}", markers, value=index) for index in range(6)]
    run_jobs(jobs, work, tmp_path / "one", InProcess())
    outcomes = run_jobs(jobs, work, tmp_path / "two", RayCluster(cluster.address))
    assert [(outcome.job, outcome.error) for outcome in outcomes] == [(item, "") for item in jobs]
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    assert (tmp_path / "two" / "job_0" / "pictures" / "empty").is_dir()
    again = run_jobs(jobs, work, tmp_path / "two", RayCluster(cluster.address))
    assert all(outcome.reused for outcome in again)


def test_jobs_that_fail_do_so_alone(cluster, markers, output):
    jobs = [
        job("raises", markers, message="no depth"),
        job("unpicklable", markers, lock=threading.Lock()),
        job("deadly", markers, signal=signal.SIGKILL),
        job("unlucky", markers, die_once=True),
        job("slow", markers, seconds=600),
        *(job(f"good_{index}", markers) for index in range(3)),
    ]
    outcomes = run_jobs(jobs, work, output, RayCluster(cluster.address, timeout_s=5.0))
    raises, unpicklable, deadly, unlucky, slow, *good = outcomes
    assert raises.error == "ValueError: no depth"
    assert "job_works.py" in raises.trace
    assert unpicklable.error.startswith("the payload cannot be pickled: TypeError")
    assert "died (killed, out of memory, or its machine was lost)" in deadly.error
    assert runs(markers, "deadly") == 2
    assert (unlucky.error, runs(markers, "unlucky")) == ("", 2)
    assert slow.error == "TimeoutError: the job took longer than 5 s and was ended"
    assert runs(markers, "slow") == 1
    assert all(outcome.folder for outcome in good)
    assert sorted(path.name for path in output.iterdir() if path.is_dir()) == ["good_0", "good_1", "good_2", "unlucky"]


def test_an_input_that_a_machine_lacks_fails_its_job_and_links_do_not_travel(cluster, tmp_path, output):
    (tmp_path / "there").write_text("x")
    jobs = [Job(name, "1", {"input": str(tmp_path / name)}) for name in ("there", "missing")]
    there, missing = run_jobs(jobs, read_input, output, RayCluster(cluster.address, workers=1))
    assert (there.folder / "copy").read_text() == "x"
    assert missing.error.startswith("FileNotFoundError")
    assert str(tmp_path / "missing") in missing.error
    (linked,) = run_jobs([Job("link", "1", {})], link, output, RayCluster(cluster.address, workers=1))
    assert linked.error == "PackingError: link is neither file nor folder; results may hold nothing else"


def test_an_interrupted_run_goes_on_and_a_changed_job_is_run_again(cluster, markers, output):
    def interrupt(outcome):
        raise KeyboardInterrupt

    names = ("a", "b", "c", "d")
    jobs = [job(name, markers) for name in names]
    with pytest.raises(KeyboardInterrupt):
        run_jobs(jobs, work, output, RayCluster(cluster.address, workers=1), on_done=interrupt)
    (done,) = (path.name for path in output.iterdir() if path.is_dir())
    changed = [job(name, markers, fingerprint="2" if name == done else "1") for name in names]
    assert not any(outcome.reused for outcome in run_jobs(changed, work, output, RayCluster(cluster.address)))
    assert runs(markers, done) == 2


def test_workers_stay_and_their_threads_and_gpus_are_limited(cluster, markers, output):
    jobs = [job(f"job_{index}", markers) for index in range(6)]
    outcomes = run_jobs(jobs, note_process, output, RayCluster(cluster.address))
    notes = [(outcome.folder / "process.txt").read_text().split("\n") for outcome in outcomes]
    assert len({note[0] for note in notes}) <= 2
    assert max(int(note[1]) for note in notes) >= 3
    assert {note[2] for note in notes} == {"1"}
    assert {note[3] for note in notes} == {""}


def test_another_version_on_a_machine_ends_the_run_and_both_are_named(cluster, markers, output, monkeypatch):
    theirs = own_version()
    monkeypatch.setattr("sam3d_ros.replay.jobs.ray_slots.own_version", lambda: "9.9.9+ours")
    with pytest.raises(JobsError) as raised:
        run_jobs([job("a", markers)], work, output, RayCluster(cluster.address))
    assert f"sam3d_ros {theirs}," in str(raised.value)
    assert "has 9.9.9+ours; install the same on all machines" in str(raised.value)
    assert runs(markers, "a") == 0


def test_a_machine_without_the_package_ends_the_run(cluster, markers, output, monkeypatch):
    monkeypatch.setattr("sam3d_ros.replay.jobs.ray_slots.RayWorker", Unstartable)
    expected = (
        r"could not start \(ModuleNotFoundError: No module named 'sam3d_ros.replay.jobs'\); is sam3d_ros .* installed"
    )
    with pytest.raises(JobsError, match=expected):
        run_jobs([job("a", markers)], work, output, RayCluster(cluster.address))


def test_more_than_the_cluster_has_is_refused(cluster, markers, output):
    with pytest.raises(JobsError, match="has 2 processors and 0 GPUs, a worker asks for 1 processors and 1 GPUs"):
        run_jobs([job("a", markers)], work, output, RayCluster(cluster.address, gpus_per_worker=1))
    greedy = RayCluster(cluster.address, workers=1, cpus_per_worker=64, start_timeout_s=1.0)
    with pytest.raises(JobsError, match="no worker was ready within 1 s"):
        run_jobs([job("a", markers)], work, output, greedy)


def test_the_job_of_a_lost_machine_is_run_on_another(cluster, markers, output):
    # Only these have room for the worker.
    machines = [cluster.add_node(num_cpus=2) for _ in range(2)]

    def lose_the_busy_machine():
        deadline = time.monotonic() + WAIT_S
        while not runs(markers, "a") and time.monotonic() < deadline:
            time.sleep(0.1)
        (marker,) = markers.iterdir()
        (busy,) = (node for node in machines if raylet(node) == parent(int(marker.name.split(".")[1])))
        machines.remove(busy)
        cluster.remove_node(busy, allow_graceful=False)

    losing = threading.Thread(target=lose_the_busy_machine)
    losing.start()
    try:
        executor = RayCluster(cluster.address, workers=1, cpus_per_worker=2)
        (outcome,) = run_jobs([job("a", markers, seconds_at_first=600)], work, output, executor)
    finally:
        losing.join()
        for node in machines:
            cluster.remove_node(node)
    assert len(machines) == 1
    assert outcome.error == ""
    assert runs(markers, "a") == 2


PROGRAM = """
import sys
from pathlib import Path
from job_works import Unstartable, job, work
from sam3d_ros.replay.jobs import RayCluster, run_jobs
folder = Path(sys.argv[1])
jobs = [job("quick", folder / "markers"), job("slow", folder / "markers", seconds=600)]
run_jobs(
    jobs, work, folder / "out", RayCluster("local", workers=2),
    on_done=lambda outcome: print(outcome.job.name, flush=True),
)
"""


def test_ctrl_c_ends_a_cluster_on_this_machine_with_all_its_processes(ray, tmp_path, markers):
    mark = f"SAM3D_JOBS_LOCAL={uuid.uuid4().hex}"
    environment = os.environ | dict([mark.split("=")])
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "quick\n"
        assert len(_marked(mark)) > 3
        process.send_signal(signal.SIGINT)
        process.wait(60)
    assert started_processes(mark) == []
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".lock", "quick"]


@pytest.mark.parametrize("address", ["", "cluster", "host:", ":6379", "host:port", "ray://host"])
def test_what_is_no_address_is_refused(ray, markers, output, address):
    with pytest.raises(JobsError, match="is no address of a Ray cluster; give local, auto, HOST:PORT"):
        run_jobs([job("a", markers)], work, output, RayCluster(address))


@pytest.mark.parametrize("prefix", ["", "ray://"])
def test_an_address_where_nothing_answers_is_named_at_once(ray, markers, output, prefix):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"{prefix}127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(JobsError, match=f"nothing answers at {address} .*is Ray running there"):
            run_jobs([job("a", markers)], work, output, RayCluster(address))


def test_another_program_at_the_address_is_not_taken_for_ray(ray, markers, output):
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=lambda: server.accept()[0].sendall(b"220 mail.example ESMTP\r\n"))
        answering.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(JobsError, match=f"what answers at {address} is not Ray"):
            run_jobs([job("a", markers)], work, output, RayCluster(address))
        answering.join()


def test_without_ray_the_extra_is_named(markers, output, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(JobsError, match=r"pip install 'sam3d_ros\[ray\]'"):
        run_jobs([job("a", markers)], work, output, RayCluster("local"))


@pytest.mark.parametrize("shares", [{"cpus_per_worker": 0}, {"gpus_per_worker": -1}, {"cpus_per_worker": float("nan")}])
def test_shares_that_cannot_work_are_refused(markers, output, shares):
    with pytest.raises(JobsError, match="give more than 0 processors"):
        run_jobs([job("a", markers)], work, output, RayCluster("local", **shares))
