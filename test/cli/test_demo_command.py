"""`sam3d-ros demo`: green only when objects really came out of the node."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from sam3d_ros.cli import demo, main
from sam3d_ros.geometry.mesh_io import read_mesh
from sam3d_ros.replay.runs.node_process import NodeError, NodeProcess
from sam3d_ros.replay.runs.run_figures import RunFigures


def test_an_output_that_is_a_file_is_refused(tmp_path, capsys):
    (tmp_path / "x").write_text("")
    assert main(["demo", "--output", str(tmp_path / "x")]) == 2
    assert "is a file" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--frames", "1"], ["--rate", "0"], ["--seed", "-1"]])
def test_numbers_out_of_range_are_refused(arguments):
    with pytest.raises(SystemExit) as caught:
        main(["demo", *arguments])
    assert caught.value.code == 2


def test_a_run_without_objects_fails_with_the_reasons(tmp_path, capsys):
    figures = RunFigures()
    figures.rejections["too_few_depth_points"] = 4
    replay = SimpleNamespace(figures=figures)
    assert demo._judge(tmp_path, replay, [], 1.0) == 1
    assert "too_few_depth_points 4" in capsys.readouterr().err


def test_a_node_that_cannot_start_is_an_error_with_the_end_of_its_log(tmp_path):
    with NodeProcess(tmp_path / "node.log", remap={}, parameters={"backend": "no_such_model"}) as process:
        process._process.wait(60)
        with pytest.raises(NodeError, match="no_such_model"):
            process.require_alive()


@pytest.mark.ros
@pytest.mark.slow
def test_the_demo_ends_with_a_report_of_what_the_node_published(tmp_path, capsys):
    pytest.importorskip("rclpy")
    pytest.importorskip("sam3d_ros.msg")
    assert main(["demo", "--output", str(tmp_path), "--backend", "fake", "--frames", "4"]) == 0
    assert "separate processes" in capsys.readouterr().out
    assert (tmp_path / "report.html").stat().st_size > 2000
    assert json.loads((tmp_path / "report.json").read_text())
    meshes = list((tmp_path / "meshes").glob("object_*.glb"))
    assert meshes
    assert all(len(read_mesh(path).triangles) for path in meshes)
