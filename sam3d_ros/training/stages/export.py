"""From finished stages to a weights folder that the pipeline runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...model.config import TINY, Sam3dConfig
from ...model.structure import GeometryNetwork
from ...model.weights import Description, Manifest, Source, write_weights
from ..engine.errors import TrainingError
from ..engine.settings import RunSettings, build
from .export_refinement import SECOND_STAGES, is_refined, second_stage
from .geometry import GeometryObjective, GeometrySettings
from .results import SETTINGS, is_finished, read_settings_of, read_weights
from .structure import StructureSettings, scaled_decoder
from .structure_run import NAME as STRUCTURE
from .structure_run import load_structure

# Stages whose result is a geometry network, in the order in which they follow on each other.
GEOMETRY_STAGES = ("pretrain", "geometry", "midtrain", "sft", "dpo", "distill")
DISTILLED = "distill"  # the one that teaches step sizes
LICENCE = "Apache-2.0, as sam3d_ros; docs/model-card.md names the licences of the scans that the training saw"
_FIGURES = "figures.json"


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What stages left: sizes, tensors of each part of the model, and how each came about."""

    config: Sam3dConfig
    parts: Mapping[str, Mapping[str, Tensor]]  # by the names of `PARTS`
    provenance: Mapping[str, Any]  # by stage


def export_weights(
    runs: Path, output: Path, *, stage: str | None = None, dtype: str = "float16", refined: bool = True
) -> Manifest:
    """Write the weights folder `output` from the result of a stage, by default the last one that is finished.

    With `refined` the second stage comes along where it is finished. Raises TrainingError where the stage is missing,
    and WeightsError where the folder cannot be written.
    """
    name = stage or last_finished(runs)
    first = first_stage(runs, name)
    trained = _with_second_stage(runs, first) if refined else first
    sources = {part: Source(part, "", tensors.__getitem__) for part, tensors in trained.parts.items()}
    origin = f"trained by sam3d_ros, stages {', '.join(trained.provenance)}"
    description = Description(trained.config, dtype, origin, LICENCE, provenance=trained.provenance)
    return write_weights(output, sources, description)


def last_finished(runs: Path) -> str:
    """The stage of the geometry network that was finished last. Raises TrainingError where none is."""
    finished = [name for name in GEOMETRY_STAGES if is_finished(runs / name)]
    if not finished:
        raise TrainingError(f"{runs}: none of {', '.join(GEOMETRY_STAGES)} is finished; train one first")
    return finished[-1]


def first_stage(runs: Path, name: str) -> Trained:
    """Embedder, geometry network and structure decoder of a stage. Raises TrainingError where it is not finished."""
    if name not in GEOMETRY_STAGES:
        raise TrainingError(f"{name!r} leaves no geometry network; export one of {', '.join(GEOMETRY_STAGES)}")
    settings = read_settings_of(runs / name, GeometrySettings)
    structure = read_settings_of(runs / STRUCTURE, StructureSettings)
    objective = GeometryObjective(settings, load_structure(runs))
    read_weights(runs / name, objective)
    lineage = [STRUCTURE, *_lineage(runs, name)]
    if DISTILLED not in lineage:
        forget_steps(objective.geometry)
    config = replace(
        TINY,
        stage1_embedder=settings.embedder,
        geometry=replace(settings.geometry, step_size=objective.geometry.d_embedder is not None),
        structure_decoder=structure.decoder,
    )
    parts = {
        "stage1_embedder": objective.embedder.state_dict(),
        "geometry": objective.geometry.state_dict(),
        "structure_decoder": scaled_decoder(objective.structure),
    }
    return Trained(config, parts, {stage: _about(runs / stage) for stage in lineage if is_finished(runs / stage)})


def forget_steps(network: GeometryNetwork) -> None:
    """Make of a network that was told no step size but 0 one that is told none, in place.

    What it learnt to answer to 0 becomes part of its embedding of the time; any other number would mislead it.
    """
    if network.d_embedder is None:
        return
    last = network.t_embedder.mlp[-1]
    with torch.no_grad():
        last.bias += network.d_embedder(last.bias.new_zeros(1))[0]
    network.d_embedder = None


def _with_second_stage(runs: Path, trained: Trained) -> Trained:
    """With the parts of stage 2, where it is finished."""
    if not is_refined(runs):
        return trained
    config, parts = second_stage(runs, trained.config)
    provenance = {**trained.provenance, **{stage: _about(runs / stage) for stage in SECOND_STAGES}}
    return Trained(config, {**trained.parts, **parts}, provenance)


def _lineage(runs: Path, name: str) -> list[str]:
    """The stages that led to this one, itself last."""
    start = runs / name / "start.json"
    if not start.is_file():
        return [name]
    return [*_lineage(runs, json.loads(start.read_text(encoding="utf-8"))["from"]), name]


def _about(folder: Path) -> dict[str, Any]:
    """Seed, steps and figures of a stage."""
    content = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    run: RunSettings = build(RunSettings, content["run"], str(folder / SETTINGS))
    figures = {}
    for path in sorted(folder.glob(f"*{_FIGURES}")):
        content = json.loads(path.read_text(encoding="utf-8"))
        figures[path.name.removesuffix(_FIGURES).strip("-") or "all"] = content["mean"]
    return {"seed": run.seed, "steps": run.steps, "batch": run.batch, "figures": figures}
