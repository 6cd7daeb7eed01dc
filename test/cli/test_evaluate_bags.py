"""`sam3d-ros evaluate --bags` from the outside: one bag, many, bad ones, taken up again, on several workers."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sam3d_ros.cli import main
from sam3d_ros.cli.evaluated_bags import unique_names
from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.training.synthetic import SceneConfig, SequenceConfig
from sam3d_ros.training.synthetic.bag import MASK, write_sequence, write_truth

SAM3D_ROS = (sys.executable, "-c", "import sys; from sam3d_ros.cli import main; sys.exit(main())")
CAMERA = PinholeCamera(160, 120, 152.0, 152.0, 79.5, 59.5)


@pytest.fixture(scope="module")
def bags(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bags")
    for seed in (3, 4):
        config = SequenceConfig(SceneConfig(seed=seed, props=("mug", "can")), camera=CAMERA, frames=3)
        write_sequence(folder / f"scene{seed}.mcap", config)
        write_truth(folder / f"scene{seed}.mcap", config.scene)
    return [folder / "scene3.mcap", folder / "scene4.mcap"]


def command(bags, output, *more) -> list[str]:
    given = ["evaluate", "--backend", "fake", "--target-frame", "map", "--measure", "1", "--output", str(output)]
    return [*given, *more, "--bags", *map(str, bags)]


def evaluate(bags, output, *more) -> int:
    return main(command(bags, output, *more))


def report(output):
    return json.loads((output / "report.json").read_text())


def test_two_bags_make_one_report(bags, tmp_path, capsys):
    assert evaluate(bags, tmp_path) == 0
    data = report(tmp_path)
    assert [run["name"] for run in data["runs"]] == ["scene3", "scene4"]
    assert {(row["run"], row["name"]) for row in data["tracks"]} == {
        (run, name) for run in ("scene3", "scene4") for name in ("mug", "can")
    }
    assert {row["frame"] for row in data["objects"] if row["score"]} == {"scene3_0000", "scene4_0000"}
    assert capsys.readouterr().out.strip() == str(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    for heading in ('id="run-1">scene3', 'id="run-2">scene4', 'id="tracks"', 'id="plots"'):
        assert heading in page


def test_a_bad_bag_does_not_lose_the_others_and_alone_ends_with_status_two(bags, tmp_path, capsys):
    bad = tmp_path / "bad.mcap"
    bad.write_bytes(b"no bag")
    assert evaluate([bags[0], bad], tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert "bad failed: BagError" in error
    assert "1 failed, 1 in the report" in error
    assert [row["name"] for row in report(tmp_path / "out")["failures"]] == ["bad"]
    assert evaluate([bad], tmp_path / "alone") == 2
    assert "bad.mcap: cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "alone").exists()


def test_a_second_run_takes_finished_bags_over_and_runs_those_that_failed(bags, tmp_path, capsys):
    later = tmp_path / "later.mcap"
    later.write_bytes(b"not yet a bag")
    assert evaluate([bags[0], later], tmp_path / "out") == 1
    kept = tmp_path / "out" / "parts" / "scene3" / "part.json"
    before = kept.stat().st_mtime_ns
    shutil.copy(bags[1], later)
    assert evaluate([bags[0], later], tmp_path / "out") == 0
    assert kept.stat().st_mtime_ns == before
    assert [run["name"] for run in report(tmp_path / "out")["runs"]] == ["scene3", "later"]
    assert evaluate([bags[0], later], tmp_path / "out", "--seed", "1") == 0
    assert kept.stat().st_mtime_ns != before
    assert "later: No truth is known of this bag" in capsys.readouterr().err


def test_of_recorded_answers_no_backend_is_claimed(bags, tmp_path):
    given = ["--backend", "fake", "--target-frame", "map", "--output", str(tmp_path / "replay")]
    assert main(["replay", str(bags[0]), *given]) == 0
    truth = ["--truth", str(bags[0].with_suffix(".objects.json"))]
    assert evaluate([tmp_path / "replay" / "results.mcap"], tmp_path / "out", "--recorded", *truth) == 0
    data = report(tmp_path / "out")
    assert data["summary"] == {"answers of bags": "recorded"}
    assert {row["name"] for row in data["tracks"]} == {"mug", "can"}


def comparable(output):
    """A report without what time does to it."""
    data = report(output)
    for row in data["objects"]:
        row["latency_ms"] = sorted(row["latency_ms"])
    for run in data["runs"]:
        run["wall_s"] = 0
    data["latency_ms"] = [(row["stage"], row["count"]) for row in data["latency_ms"]]
    return data


@pytest.mark.slow
def test_workers_give_the_same_report_as_one_process(bags, tmp_path):
    assert evaluate(bags, tmp_path / "one") == 0
    assert evaluate(bags, tmp_path / "two", "--workers", "2") == 0
    assert comparable(tmp_path / "one") == comparable(tmp_path / "two")


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="no ray: pip install 'sam3d_ros[ray]'")
def test_a_ray_cluster_gives_the_same_report_and_loses_nothing_to_a_bad_bag(bags, tmp_path):
    bad = tmp_path / "bad.mcap"
    bad.write_bytes(b"no bag")
    assert evaluate([*bags, bad], tmp_path / "one") == 1
    # Ray keeps what it knows of a cluster until its process ends; other tests have clusters of their own.
    given = command([*bags, bad], tmp_path / "ray", "--ray", "local", "--workers", "2")
    ended = subprocess.run([*SAM3D_ROS, *given], capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 1, ended.stderr
    assert "bad failed: BagError" in ended.stderr
    assert comparable(tmp_path / "one") == comparable(tmp_path / "ray")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--truth", "none.json"], "--truth none.json: no such file"),
        (["--topics", f"mask={MASK}"], "write ROLE:=TOPIC"),
        (["--topics", "mask:=/x"], "no topic /x for mask"),
        (["--gpus-per-worker", "1"], "--gpus-per-worker is for --ray"),
    ],
)
def test_bad_input_ends_with_status_two(bags, tmp_path, capsys, arguments, words):
    assert evaluate(bags[:1], tmp_path / "out", *arguments) == 2
    assert words in capsys.readouterr().err


def test_a_broken_truth_ends_with_status_two_before_work_begins(bags, tmp_path, capsys):
    broken = tmp_path / "truth.json"
    broken.write_text('[{"mesh": "none.ply", "frame": "map"}]')
    assert evaluate(bags, tmp_path / "out", "--truth", str(broken)) == 2
    assert "truth.json: object 0: mesh 'none.ply' cannot be read" in capsys.readouterr().err
    bag = tmp_path / "scene.mcap"
    shutil.copy(bags[0], bag)
    (tmp_path / "objects.json").write_text("{}")
    assert evaluate([bag], tmp_path / "out") == 2
    assert "objects.json: expected a list of objects" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_bag_that_is_not_there_ends_with_status_two(tmp_path, capsys):
    assert evaluate([tmp_path / "none.mcap"], tmp_path / "out") == 2
    assert "none.mcap: no such file or folder" in capsys.readouterr().err


def test_bags_of_one_name_are_told_apart_by_their_folders(tmp_path):
    for folder in ("a/run", "b/run", "c"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "bag.mcap").touch()
    paths = [tmp_path / name / "bag.mcap" for name in ("a/run", "b/run", "c")]
    assert unique_names(paths) == ["a_run_bag", "b_run_bag", "c_bag"]
    assert unique_names([Path("x/one.mcap"), Path("x/two.mcap")]) == ["one.mcap", "two.mcap"]
