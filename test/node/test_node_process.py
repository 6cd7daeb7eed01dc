"""The node as a process of its own: it starts by itself, ends cleanly on signals, and fails clearly."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy")

pytestmark = pytest.mark.ros

# A node process whose model takes a minute for each object; deaf or not is said on the command line.
SLOW_NODE = """
import sys
from sam3d_ros.node import main, sam3d_node
from sam3d_ros.pipeline.fake import FakeBackend, FakeConfig

deaf = sys.argv.pop(1) == "deaf"
config = FakeConfig(hang_labels=frozenset({3, 7}), hang_s=60.0) if deaf else FakeConfig(delay_s=60.0)

class Reporting(FakeBackend):
    def reconstruct(self, *arguments, **options):
        print("at work", flush=True)
        return super().reconstruct(*arguments, **options)

class Node(sam3d_node.Sam3dNode):
    def __init__(self):
        super().__init__(backend_factory=lambda _: Reporting(config))

sam3d_node.Sam3dNode = Node
sys.exit(main.main())
"""


@pytest.fixture
def start() -> Iterator:
    processes: list[subprocess.Popen] = []

    def run(*command: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", ["listening", "deaf"])
def test_a_signal_in_the_middle_of_a_reconstruction_ends_the_process_with_0(start, make_rig, number, kind):
    rig = make_rig()  # not brought up: its client is the camera of the process
    namespace = f"{rig.namespace}/process"
    process = start("-c", SLOW_NODE, kind, "--ros-args", "-r", f"__ns:={namespace}")
    remap_inputs(rig, namespace)
    rig.until(lambda: rig.client.count_subscribers(f"{namespace}/mask"), "the node", timeout=60)
    send_until_at_work(rig, process)
    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(10) == 0
    assert time.monotonic() - began < 2.5


def send_until_at_work(rig, process: subprocess.Popen) -> None:
    """Send frames, because the first ones may be lost while two processes find each other, until the model works."""
    lines: list[str] = []
    threading.Thread(target=lambda: [lines.append(line) for line in process.stdout], daemon=True).start()
    stamps = itertools.count(10)

    def at_work() -> bool:
        rig.send(float(next(stamps)))
        rig.spin(0.2)
        return any("at work" in line for line in lines)

    rig.until(at_work, "the model at work", timeout=30)


def remap_inputs(rig, namespace: str) -> None:
    """Let the rig's `send` publish into another namespace."""
    plain = rig.publisher
    rig.publisher = lambda topic, kind, qos=10: plain(f"{namespace}/{topic}", kind, qos)


def test_a_bad_parameter_ends_a_plain_run_with_1_and_one_clear_line(start):
    process = start("-m", "sam3d_ros.node.main", "--ros-args", "-p", "backend:=magic")
    assert process.wait(60) == 1
    output = process.stdout.read()
    assert "backend must be one of geometric, sam3d, fake, got 'magic'" in output
    assert "Traceback" not in output
