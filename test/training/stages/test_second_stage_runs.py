"""Both stages of stage 2 as runs: what they leave behind, and that the parts of a model can be filled with it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ball_data import LATENTS, BallShapes, BallViews, object_table, surface_table
from refinement_rig import SETTINGS

from sam3d_ros.cli import main
from sam3d_ros.model import TINY
from sam3d_ros.model.weights.parts import build_empty, fill
from sam3d_ros.training.engine.budget import Budget
from sam3d_ros.training.engine.errors import TrainingError
from sam3d_ros.training.engine.settings import RunSettings, read_settings
from sam3d_ros.training.stages import latents_run, refinement_run
from sam3d_ros.training.stages.export_refinement import is_refined, second_stage
from sam3d_ros.training.stages.first_stage import BentTruth
from sam3d_ros.training.stages.latents import LatentsSettings
from sam3d_ros.training.stages.latents_run import load_latents, train_latents
from sam3d_ros.training.stages.placed import PlacedTargets
from sam3d_ros.training.stages.refined_views import RefinementTargets
from sam3d_ros.training.stages.refinement import RefinementSettings
from sam3d_ros.training.stages.refinement_run import train_refinement
from sam3d_ros.training.stages.structure_run import RunPlace

RUN = RunSettings(steps=2, batch=2, workers=0, log_every=1, precision="32-true")
RESOLUTION = SETTINGS.refinement.resolution


def place_of(tmp_path: Path, name: str, settings: object) -> RunPlace:
    config = tmp_path / f"{name}.yaml"
    config.write_text(yaml.safe_dump(json.loads(json.dumps(dataclasses.asdict(settings)))))
    return RunPlace(config, tmp_path / "data", tmp_path / "runs", {})


@pytest.fixture
def balls(monkeypatch):
    """Balls in place of stored objects and views."""
    pytest.importorskip("lightning_fabric", reason="training needs the extra `train`")
    pytest.importorskip("tensorboard", reason="training needs the extra `train`")
    table, surfaces = object_table(), surface_table()
    shapes = PlacedTargets(table, surfaces, RESOLUTION, reach=0.3)
    views = RefinementTargets(
        table, surfaces, BentTruth(), size=SETTINGS.embedder.vit.image_size, resolution=RESOLUTION, reach=0.3
    )
    monkeypatch.setattr(latents_run, "_data", lambda *_: (BallShapes(4), BallShapes(2), shapes))
    monkeypatch.setattr(refinement_run, "_data", lambda *_: (BallViews(4), BallViews(2), views))


def test_the_stages_leave_weights_and_figures_of_which_a_model_is_made(tmp_path, balls):
    trunk = replace(LATENTS.decoder.trunk, resolution=RESOLUTION)
    latents = replace(
        LATENTS,
        run=RUN,
        decoder=replace(LATENTS.decoder, trunk=trunk),
        gaussians=replace(LATENTS.gaussians, trunk=trunk),
    )
    place = place_of(tmp_path, "latents", latents)
    with pytest.raises(TrainingError, match="latents: no finished stage"):
        train_refinement(place_of(tmp_path, "refinement", replace(SETTINGS, run=RUN)), Budget(None))
    assert train_latents(place, Budget(None)).finished
    assert load_latents(place.runs).latent_std.min() > 0
    assert not is_refined(place.runs)
    assert train_refinement(place_of(tmp_path, "refinement", replace(SETTINGS, run=RUN)), Budget(None)).finished
    figures = {path.name: json.loads(path.read_text()) for path in (place.runs / "refinement").glob("*figures.json")}
    assert set(figures) == {"first-figures.json", "1-steps-figures.json", "4-steps-figures.json"}
    assert all(0 <= content["mean"]["colour_error"] <= 1 for content in figures.values())
    config, parts = second_stage(place.runs, TINY)
    for name, tensors in parts.items():
        fill(build_empty(name, config, next(iter(tensors.values())).dtype), tensors)
    assert config.mesh == latents.decoder
    assert len(config.slat_std) == len(config.slat_mean) == latents.decoder.trunk.channels


@pytest.mark.parametrize(("name", "kind"), [("latents", LatentsSettings), ("refinement", RefinementSettings)])
def test_the_files_hold_the_defaults(name, kind):
    path = Path(__file__).resolve().parents[3] / "config" / "training" / f"{name}.yaml"
    assert read_settings(path, kind) == kind()


def test_the_command_line_knows_both_stages(tmp_path, capsys):
    assert main(["train", "latents", "--data", str(tmp_path), "--runs", str(tmp_path)]) == 2
    assert "no objects in" in capsys.readouterr().err
    assert main(["train", "refinement", "--data", str(tmp_path), "--runs", str(tmp_path)]) == 2
    assert "latents: no finished stage" in capsys.readouterr().err
