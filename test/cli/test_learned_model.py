"""`--backend sam3d` and its options from the outside, with a small untrained model."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import numpy as np
import pytest

from sam3d_ros.cli import UsageError, main
from sam3d_ros.cli.model_arguments import add_model_arguments, model_options, node_parameters
from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.node.parameters import Parameters
from sam3d_ros.pipeline import Frame
from sam3d_ros.pipeline.model_options import Dtype, ModelOptions, Sampling
from sam3d_ros.replay.frames.frame_folder import save_frame

CAMERA = PinholeCamera(80, 60, 80.0, 80.0, 39.5, 29.5)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    from sam3d_ros.model.config import SMALL
    from sam3d_ros.model.weights import write_random_weights

    folder = tmp_path_factory.mktemp("model") / "weights"
    coarse_mesh = replace(SMALL.mesh, widths=SMALL.mesh.widths[:1])  # what is decoded is noise, and takes its time
    write_random_weights(folder, replace(SMALL, mesh=coarse_mesh), seed=0)
    return folder


@pytest.fixture
def frame(tmp_path):
    """A bump on a wall, with label 1."""
    v, u = np.indices((60, 80))
    inside = (u - 40) ** 2 + (v - 30) ** 2 < 15**2
    depth = np.where(inside, 0.6 + 1e-4 * ((u - 40) ** 2 + (v - 30) ** 2), 0.8)
    pointmap = (CAMERA.rays() * depth[..., None]).astype(np.float32)
    color = np.full((60, 80, 3), 120, np.uint8)
    save_frame(tmp_path / "frame", Frame(color, pointmap, inside.astype(np.int32), CAMERA))
    return tmp_path / "frame"


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_model_arguments(parser)
    return parser.parse_args(arguments)


def test_a_frame_is_answered_by_the_learned_model(frame, weights, tmp_path):
    arguments = ["--backend", "sam3d", "--weights", str(weights), "--sampling", "fast", "--steps", "1"]
    assert main(["reconstruct", *arguments, "--frames", str(frame), "--output", str(tmp_path / "out")]) == 0
    folder = tmp_path / "out" / "frame"
    objects, rejections = (json.loads((folder / name).read_text()) for name in ("objects.json", "rejections.json"))
    assert [item["id"] for item in (*objects, *rejections)] == [1]
    assert all(item["reason"] in ("empty_shape", "low_depth_agreement") for item in rejections)


def test_the_options_say_what_was_asked_for(weights):
    options = model_options(parsed(
        "--backend", "sam3d", "--weights", str(weights), "--dtype", "bfloat16", "--sampling", "fast",
        "--steps", "8", "--memory-limit", "6000", "--device", "cuda:1", "--compile", "--gaussians", "4",
    ))  # fmt: skip
    assert options == ModelOptions(
        weights=weights,
        device="cuda:1",
        dtype=Dtype.BFLOAT16,
        sampling=Sampling.FAST,
        steps=8,
        gaussians=4,
        memory_limit_mib=6000,
        compile=True,
    )


def test_the_node_gets_the_same_options(weights):
    chosen = ("--sampling", "fast", "--steps", "8", "--gaussians", "32")
    arguments = parsed("--backend", "sam3d", "--weights", str(weights), *chosen)
    typed = {"steps": 8, "candidates": 1, "gaussians": 32, "memory_limit": 0, "compile": False, "refine": False}
    values = node_parameters(arguments) | typed
    assert Parameters.from_values(values).model_options() == model_options(arguments)


def test_a_backend_without_a_model_gives_the_node_its_name_alone():
    assert node_parameters(parsed("--backend", "geometric")) == {"backend": "geometric"}
    assert model_options(parsed()) == ModelOptions()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "weights import"),
        (["--weights", "/nowhere"], "/nowhere: no such folder"),
        (["--weights", "/", "--device", "gpu"], "cpu, cuda or cuda:N"),
        (["--weights", "/", "--steps", "-2"], "0..1000"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_in_one_line(arguments, words, monkeypatch, tmp_path):
    monkeypatch.setattr("sam3d_ros.pipeline.model_options.SHIPPED", tmp_path / "absent")
    with pytest.raises(UsageError, match=words):
        model_options(parsed("--backend", "sam3d", *arguments))


def test_a_folder_that_holds_no_weights_ends_with_status_2_and_one_line(frame, tmp_path, capsys):
    arguments = ["--backend", "sam3d", "--weights", str(frame), "--frames", str(frame)]
    assert main(["reconstruct", *arguments, "--output", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(frame) in error


@pytest.mark.parametrize("flag", [["--steps", "3"], ["--dtype", "float16"], ["--sampling", "fast"], ["--compile"]])
def test_options_of_a_learned_model_are_refused_where_there_is_none(flag):
    with pytest.raises(UsageError, match=f"leave out {flag[0]}"):
        model_options(parsed("--backend", "geometric", *flag))
