"""Finished stages become a weights folder that answers as the stage did."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from sam3d_ros.cli import main
from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.model import SMALL
from sam3d_ros.model.config import ObservedConfig, StructureDecoderConfig
from sam3d_ros.model.sampling import draw_latents
from sam3d_ros.model.structure import SHAPE, latent_sizes
from sam3d_ros.model.weights import WeightsFolder
from sam3d_ros.pipeline import Frame
from sam3d_ros.pipeline.model_options import Dtype, ModelOptions
from sam3d_ros.pipeline.observation import PrepareConfig, observe
from sam3d_ros.pipeline.sam3d import Sam3dBackend, Sam3dSettings
from sam3d_ros.training.engine.errors import TrainingError
from sam3d_ros.training.stages.export import export_weights, last_finished
from sam3d_ros.training.stages.fields import BYTE_IMAGES
from sam3d_ros.training.stages.geometry import GeometryObjective, GeometrySettings
from sam3d_ros.training.stages.restart import ENCODER, restore
from sam3d_ros.training.stages.results import read_settings_of, read_weights, write_result
from sam3d_ros.training.stages.structure import StructureObjective, StructureSettings
from sam3d_ros.training.stages.structure_run import load_structure

STRUCTURE = StructureSettings(
    encoder_stem=2,
    encoder_widths=(8, 8),
    decoder=StructureDecoderConfig(channels=4, widths=(8, 8, 8), res_blocks=1, middle_blocks=1, signed_distance=True),
)
GEOMETRY = GeometrySettings(
    embedder=replace(SMALL.stage1_embedder, width=32),
    geometry=replace(
        SMALL.geometry, width=32, condition_width=32, heads=1, channels=4, layout_mlp_ratio=1.0, prediction="clean",
        observed=ObservedConfig(resolution=16, stem_width=8, depth=1),
    ),
)  # fmt: skip
CAMERA = PinholeCamera(160, 120, 150.0, 150.0, 79.5, 59.5)


@pytest.fixture(scope="module")
def trained() -> GeometryObjective:
    """A geometry stage whose weights are what they were at the start, but for the latents' scale."""
    torch.manual_seed(0)
    structure = StructureObjective(STRUCTURE)
    structure.latent_scale.copy_(torch.tensor([0.5, 1.0, 2.0, 3.0]))
    return GeometryObjective(GEOMETRY, structure).eval()


@pytest.fixture(scope="module")
def runs(trained, tmp_path_factory):
    """Both stages finished."""
    folder = tmp_path_factory.mktemp("runs")
    for name, module, settings in (("structure", trained.structure, STRUCTURE), ("geometry", trained, GEOMETRY)):
        (folder / name).mkdir()
        (folder / name / "4-steps-figures.json").write_text(json.dumps({"objects": 2, "mean": {"iou": 0.5}}))
        write_result(folder / name, module, settings)
    return folder


@pytest.fixture(scope="module")
def exported(runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "weights"
    export_weights(runs, folder, dtype="float32")
    return folder


def bump_frame() -> Frame:
    v, u = np.indices((120, 160))
    off = ((u - 70) ** 2 + (v - 60) ** 2) / 25**2
    depth = np.where(off < 1, 0.7 - 0.08 * np.sqrt(np.maximum(0, 1 - off)), 0.9)
    color = np.random.default_rng(0).integers(0, 255, (120, 160, 3)).astype(np.uint8)
    pointmap = (CAMERA.rays() * depth[..., None]).astype(np.float32)
    return Frame(color, pointmap, (off < 1).astype(np.int32), CAMERA)


def test_what_is_exported_answers_as_the_stage_did(trained, exported):
    backend = Sam3dBackend(Sam3dSettings(ModelOptions(weights=exported, dtype=Dtype.FLOAT32)))
    backend.load()
    chain, prepared = backend._chain, backend.prepare(bump_frame())
    with torch.inference_mode():
        views = prepared.views(observe(bump_frame(), 1, PrepareConfig()), chain.config)
        tokens = chain.condition("stage1_embedder", prepared, views.inputs)
        latents = chain.geometry(tokens, chain.generator(3), lambda *_: None, observed=views.observed)
        fields = chain.fields(latents[SHAPE])
    generator = torch.Generator().manual_seed(3)
    noise = draw_latents(latent_sizes(GEOMETRY.geometry), [generator], device="cpu")
    batch = {name: 255 * value if name in BYTE_IMAGES else value for name, value in views.inputs.items()}
    batch |= {"observed": views.observed, **{f"noise_{name}": x for name, x in noise.items()}}
    assert not chain.samplers[0].use_step_size
    expected = trained.sample(batch, chain.samplers[0])
    for name, latent in expected.items():
        torch.testing.assert_close(latents[name], latent, atol=1e-4, rtol=1e-4)
    with torch.no_grad():
        decoded = trained.structure.decode(expected[SHAPE])
    torch.testing.assert_close(fields.distance, decoded.distance, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(fields.logits, decoded.logits, atol=1e-4, rtol=1e-3)


def test_the_folder_says_how_it_came_about(exported):
    manifest = WeightsFolder(exported, verify=True).manifest
    assert tuple(manifest.parts) == ("stage1_embedder", "geometry", "structure_decoder")
    assert manifest.config.frame == "view"
    assert manifest.config.geometry == replace(GEOMETRY.geometry, step_size=False)  # it was told no size but 0
    assert list(manifest.provenance) == ["structure", "geometry"]
    about = manifest.provenance["geometry"]
    assert (about["seed"], about["steps"]) == (GEOMETRY.run.seed, GEOMETRY.run.steps)
    assert about["figures"] == {"4-steps": {"iou": 0.5}}


def test_half_precision_halves_the_folder(runs, exported, tmp_path):
    half = export_weights(runs, tmp_path / "half")
    full = WeightsFolder(exported).manifest
    for name in half.parts:
        assert half.parts[name].bytes < 0.7 * full.parts[name].bytes


def test_the_last_finished_stage_is_taken_and_its_lineage_told(trained, runs, tmp_path):
    assert last_finished(runs) == "geometry"
    for name in ("structure", "geometry"):
        (tmp_path / name).symlink_to(runs / name)
    (tmp_path / "distill").mkdir()
    (tmp_path / "distill" / "start.json").write_text('{"from": "geometry"}')
    write_result(tmp_path / "distill", trained, GEOMETRY)
    manifest = export_weights(tmp_path, tmp_path / "weights")
    assert list(manifest.provenance) == ["structure", "geometry", "distill"]
    assert manifest.config.geometry.step_size
    assert list(export_weights(tmp_path, tmp_path / "other", stage="geometry").provenance) == ["structure", "geometry"]


def test_stages_that_are_missing_are_named(runs, tmp_path, capsys):
    with pytest.raises(TrainingError, match=r"none of .*geometry.* is finished"):
        export_weights(tmp_path, tmp_path / "weights")
    with pytest.raises(TrainingError, match="'structure' leaves no geometry network"):
        export_weights(runs, tmp_path / "weights", stage="structure")
    assert main(["train", "export", "--runs", str(runs), "--output", str(tmp_path / "w"), "--stage", "sft"]) == 2
    assert "no finished stage" in capsys.readouterr().err
    assert main(["train", "export", "--runs", str(runs), "--output", str(tmp_path / "w")]) == 0
    assert "3 parts" in capsys.readouterr().out


def test_stages_of_a_weights_folder_are_made_again_and_answer_as_they_did(trained, runs, tmp_path, capsys):
    weights, again = tmp_path / "weights", tmp_path / "again"
    assert main(["train", "export", "--runs", str(runs), "--output", str(weights), "--dtype", "float32"]) == 0
    assert main(["train", "restore", "--weights", str(weights), "--runs", str(again)]) == 0
    assert f"--from {again / 'geometry'}" in capsys.readouterr().out
    made = GeometryObjective(read_settings_of(again / "geometry", GeometrySettings), load_structure(again)).eval()
    read_weights(again / "geometry", made)
    latent = torch.randn(1, 8, 4)
    torch.testing.assert_close(made.structure.decode(latent), trained.structure.decode(latent), atol=1e-4, rtol=1e-4)
    truth = {"occupancy": torch.rand(1, 1, 16, 16, 16).round(), "distance": torch.rand(1, 1, 16, 16, 16) - 0.5}
    expected = trained.structure.latent(truth)
    torch.testing.assert_close(made.structure.latent(truth), expected, atol=0.01 * float(expected.abs().max()), rtol=0)
    noise = draw_latents(latent_sizes(GEOMETRY.geometry), [torch.Generator().manual_seed(0)])
    zero = torch.zeros(1)
    with torch.no_grad():
        ours, theirs = (net.geometry.predict(noise, zero, None, zero)[SHAPE] for net in (made, trained))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_stages_that_are_there_are_not_written_over(runs, tmp_path):
    weights = tmp_path / "weights"
    assert main(["train", "export", "--runs", str(runs), "--output", str(weights)]) == 0
    with pytest.raises(TrainingError, match="is there already"):
        restore(weights, runs)
    (weights / ENCODER).unlink()
    with pytest.raises(TrainingError, match="exported folder"):
        restore(weights, tmp_path / "others")
