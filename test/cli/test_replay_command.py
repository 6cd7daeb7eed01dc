"""`sam3d-ros replay` from the outside: files, exit status, messages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sam3d_ros.cli import main
from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.replay.bags.bag import Bag
from sam3d_ros.training.synthetic import SceneConfig, SequenceConfig
from sam3d_ros.training.synthetic.bag import MASK, write_sequence

SAM3D_ROS = (sys.executable, "-c", "import sys; from sam3d_ros.cli import main; sys.exit(main())")
CAMERA = PinholeCamera(160, 120, 152.0, 152.0, 79.5, 59.5)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    path = tmp_path_factory.mktemp("scene") / "scene.mcap"
    write_sequence(path, SequenceConfig(SceneConfig(seed=3, props=("mug", "can")), camera=CAMERA, frames=3))
    return path


def test_results_and_summary_are_written(scene, tmp_path, capsys):
    assert main(["replay", str(scene), "--backend", "fake", "--output", str(tmp_path), "--target-frame", "map"]) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["frames_done"] == 3
    assert len(summary["objects"]) == 2
    assert summary["latency_ms"]["frame"]["count"] == 3
    with Bag(tmp_path / "results.mcap") as bag:
        assert {"/sam3d/objects", "/sam3d/markers", "/tf", MASK} <= {topic.name for topic in bag.topics}
    printed = capsys.readouterr().out
    assert "p50 ms" in printed
    assert "results.mcap" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no_such.mcap"], "no such file"),
        (["SCENE", "--topics", "mask=/x"], "write ROLE:=TOPIC"),
        (["SCENE", "--topics", "mask:=/x"], "no topic /x for mask"),
    ],
)
def test_bad_input_is_said_and_exits_with_two(arguments, words, scene, tmp_path, capsys):
    given = [str(scene) if text == "SCENE" else text for text in arguments]
    assert main(["replay", *given, "--output", str(tmp_path)]) == 2
    assert words in capsys.readouterr().err


def test_the_bag_is_never_overwritten_by_its_results(scene, tmp_path, capsys):
    bag = tmp_path / "results.mcap"
    bag.write_bytes(scene.read_bytes())
    assert main(["replay", str(bag), "--backend", "fake", "--output", str(tmp_path)]) == 2
    assert "overwrite" in capsys.readouterr().err


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.ros
def test_over_dds_objects_come_out_of_the_node_process(scene, tmp_path):
    pytest.importorskip("rclpy")
    pytest.importorskip("sam3d_ros.msg")
    command = ["replay", str(scene), "--ros", "--backend", "fake", "--target-frame", "map", "--output", str(tmp_path)]
    done = subprocess.run([*SAM3D_ROS, *command], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["mode"] == "ros"
    assert summary["frames_done"] >= 1
    assert len(summary["objects"]) == 2
    with Bag(tmp_path / "results.mcap") as bag:
        topics = {topic.name for topic in bag.topics}
    assert {"/sam3d/objects", "/sam3d/detections", "/sam3d/markers", "/sam3d/rejections", "/tf"} <= topics


@pytest.mark.ros
def test_ctrl_c_ends_the_node_too_and_keeps_what_was_done(scene, tmp_path):
    pytest.importorskip("rclpy")
    command = ["replay", str(scene), "--ros", "--backend", "fake", "--loop", "500", "--output", str(tmp_path)]
    process = subprocess.Popen(
        [*SAM3D_ROS, *command],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        # Tests that a shell started in the background have Ctrl-C ignored, and would hand that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        _wait_for_bar(process)
        children = _children(process.pid)
        assert children
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    finally:
        process.kill()
    assert not any(_is_running(child) for child in children)
    with Bag(tmp_path / "results.mcap") as bag:
        assert any(topic.name == "/sam3d/objects" for topic in bag.topics)


def _wait_for_bar(process: subprocess.Popen[str]) -> None:
    """Until some frames have gone out."""
    text = ""
    while " 9/1500" not in text:
        piece = process.stderr.read(1)
        assert piece, f"the replay ended early: {text}"
        text += piece


def _children(pid: int) -> list[int]:
    tasks = [f"/proc/{pid}/task/{task}/children" for task in os.listdir(f"/proc/{pid}/task")]
    return [int(child) for path in tasks for child in Path(path).read_text().split()]
