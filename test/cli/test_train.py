"""`sam3d-ros train`: what it refuses, and what it hands on."""

from __future__ import annotations

import pytest

from sam3d_ros.cli import main

pytest.importorskip("lightning_fabric", reason="training needs the extra `train`")

LATER = ("midtrain", "sft", "dpo", "distill")


def finish(runs, *names):
    for name in names:
        (runs / name).mkdir(parents=True)
        for file in ("settings.json", "weights.safetensors"):
            (runs / name / file).touch()


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


@pytest.mark.parametrize("stage", LATER)
def test_a_stage_says_which_folder_it_would_start_from(tmp_path, capsys, stage):
    usual = {"midtrain": "pretrain", "sft": "midtrain", "dpo": "sft", "distill": "dpo"}[stage]
    assert main(["train", stage, "--runs", str(tmp_path)]) == 2
    assert f"{tmp_path / usual}: no finished stage; train it first, or name another" in capsys.readouterr().err
    assert main(["train", stage, "--runs", str(tmp_path), "--from", str(tmp_path / "mine")]) == 2
    assert f"{tmp_path / 'mine'}: no finished stage" in capsys.readouterr().err


def test_fine_tuning_takes_the_geometry_where_there_is_no_mid_training(tmp_path):
    from sam3d_ros.training.stages.chain import LINKS, start_of

    sft = next(link for link in LINKS if link.name == "sft")
    finish(tmp_path, "geometry")
    assert start_of(sft, tmp_path) == tmp_path / "geometry"
    finish(tmp_path, "midtrain")
    assert start_of(sft, tmp_path) == tmp_path / "midtrain"


def test_the_data_s_options_reach_its_own_command(capsys):
    assert main(["train", "data", "--objects", "0"]) == 2
    assert "--objects" in capsys.readouterr().out


def test_what_is_finished_is_not_trained_again(tmp_path, capsys):
    finish(tmp_path, "sft")
    assert main(["train", "sft", "--runs", str(tmp_path)]) == 0
    assert f"remove {tmp_path / 'sft'} to train it anew" in capsys.readouterr().out


def test_all_goes_through_the_stages_that_are_not_finished(tmp_path, capsys):
    finish(tmp_path, "structure", "latents", "geometry", "sft", "dpo", "distill", "refinement")
    assert main(["train", "all", "--runs", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.count("finished already") == 6
    assert said.count("not needed, as geometry is finished") == 2
    assert "not finished" not in said
    (tmp_path / "structure" / "settings.json").unlink()
    assert main(["train", "all", "--runs", str(tmp_path), "--data", str(tmp_path / "none")]) == 2
    assert "no objects in" in capsys.readouterr().err
