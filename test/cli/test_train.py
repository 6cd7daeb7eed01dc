"""`sam3d-ros train`: what it refuses, and what it hands on."""

from __future__ import annotations

import pytest

from sam3d_ros.cli import main

pytest.importorskip("lightning_fabric", reason="training needs the extra `train`")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--budget", "soon"], "a budget of 'soon'; write it like 90s"),
        (["--set", "run.batch"], "write NAME=VALUE"),
        (["--set", "run.stepz=3"], "run: stepz: not known"),
        (["--config", "absent.yaml"], "absent.yaml"),
        ([], "no objects in"),
    ],
)
@pytest.mark.parametrize("stage", ["structure"])
def test_bad_input_is_one_line_and_status_2(tmp_path, capsys, monkeypatch, stage, arguments, named):
    monkeypatch.chdir(tmp_path)
    assert main(["train", stage, *arguments]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1


def test_geometry_needs_a_finished_structure_stage(tmp_path, capsys):
    assert main(["train", "geometry", "--runs", str(tmp_path)]) == 2
    assert "structure: no finished stage; train it first" in capsys.readouterr().err


def test_the_data_s_options_reach_its_own_command(capsys):
    assert main(["train", "data", "--objects", "0"]) == 2
    assert "--objects" in capsys.readouterr().out


def test_all_goes_through_the_stages_that_are_not_finished(tmp_path, capsys):
    for name in ("structure", "geometry"):
        (tmp_path / name).mkdir()
        for file in ("settings.json", "weights.safetensors"):
            (tmp_path / name / file).touch()
    assert main(["train", "all", "--runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("finished already") == 2
    (tmp_path / "structure" / "settings.json").unlink()
    assert main(["train", "all", "--runs", str(tmp_path), "--data", str(tmp_path / "none")]) == 2
    assert "no objects in" in capsys.readouterr().err
