"""Training that goes on from a weights folder: what the folder needs besides, and how stages are made of it again.

Folders of runs are large and stay on their machine. The weights that are shipped, with the encoder of shapes and the
settings of the stages beside them, are enough to train on elsewhere; only the optimiser begins anew.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ...model.structure import GeometryNetwork
from ...model.weights import WeightsFolder
from ..engine.errors import TrainingError
from ..engine.settings import build
from .flows.step_size import settle_step_size
from .geometry import GeometryObjective, GeometrySettings
from .results import read_settings_of, write_result
from .structure import StructureObjective, StructureSettings
from .structure_run import NAME as STRUCTURE
from .structure_run import load_structure

ENCODER, SETTINGS = "training_encoder.safetensors", "training_settings.json"
_SCALE = "latent_scale"


def write_restart(runs: Path, stage: str, weights: Path) -> None:
    """Put what training needs besides into a weights folder that was exported from this stage."""
    structure = load_structure(runs)
    settings: dict[str, Any] = {
        STRUCTURE: read_settings_of(runs / STRUCTURE, StructureSettings),
        stage: read_settings_of(runs / stage, GeometrySettings),
    }
    state = {**structure.encoder.state_dict(), _SCALE: structure.latent_scale}
    halves = {name: x.half() if x.ndim > 1 else x for name, x in state.items()}
    save_file({name: x.contiguous() for name, x in halves.items()}, weights / ENCODER)
    (weights / ENCODER).chmod(0o644)  # as everybody may read the other files
    text = json.dumps({name: dataclasses.asdict(each) for name, each in settings.items()}, indent=2) + "\n"
    (weights / SETTINGS).write_text(text, encoding="utf-8")


def restore(weights: Path, runs: Path) -> str:
    """Make the finished stages of a weights folder again, in `runs`; returns the name of the geometry's stage.

    Raises TrainingError where the folder holds no stages, or where `runs` has one of them already.
    """
    if not (weights / ENCODER).is_file() or not (weights / SETTINGS).is_file():
        raise TrainingError(f"{weights}: no {ENCODER} and {SETTINGS}; training goes on from an exported folder only")
    content: dict[str, Any] = json.loads((weights / SETTINGS).read_text(encoding="utf-8"))
    stage = next(name for name in content if name != STRUCTURE)
    for name in content:
        if (runs / name).exists():
            raise TrainingError(f"{runs / name}: is there already; choose another --runs or remove it")
    folder = WeightsFolder(weights)
    structure = _structure(folder, build(StructureSettings, content[STRUCTURE], SETTINGS), weights / ENCODER)
    settings = build(GeometrySettings, content[stage], SETTINGS)
    geometry = GeometryObjective(settings, structure)
    geometry.embedder.load_state_dict(_state(folder, "stage1_embedder"))
    _load(geometry.geometry, _state(folder, "geometry"))
    for name, module, made in ((STRUCTURE, structure, content[STRUCTURE]), (stage, geometry, content[stage])):
        (runs / name).mkdir(parents=True)
        write_result(runs / name, module, build(type(settings) if name == stage else StructureSettings, made, SETTINGS))
    return stage


def _structure(folder: WeightsFolder, settings: StructureSettings, encoder: Path) -> StructureObjective:
    """The structure stage, its decoder again one of latents that are not scaled."""
    objective = StructureObjective(settings)
    state = {name: x.float() for name, x in load_file(encoder).items()}
    scale = state.pop(_SCALE)
    objective.encoder.load_state_dict(state)
    objective.latent_scale.copy_(scale)
    decoder = _state(folder, "structure_decoder")
    decoder["input_layer.weight"] = decoder["input_layer.weight"] / scale[None, :, None, None, None]
    objective.decoder.load_state_dict(decoder)
    return objective


def _state(folder: WeightsFolder, part: str) -> dict[str, Tensor]:
    return dict(folder.load(part, dtype=torch.float32).state_dict())


def _load(network: GeometryNetwork, state: dict[str, Tensor]) -> None:
    """Fill a network; one that was exported without an embedding of the step size gets one that says nothing yet."""
    if network.d_embedder is not None and not any(name.startswith("d_embedder.") for name in state):
        network.d_embedder = None
        network.load_state_dict(state)
        settle_step_size(network)
    else:
        network.load_state_dict(state)
