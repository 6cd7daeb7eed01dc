"""What a stage hands on to the next: averaged weights and the settings of their sizes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, TypeVar

from safetensors.torch import load_file, save_file
from torch import nn

from ..engine.errors import TrainingError
from ..engine.settings import build

WEIGHTS, SETTINGS = "weights.safetensors", "settings.json"
T = TypeVar("T")


def write_result(folder: Path, module: nn.Module, settings: Any) -> None:
    """Write both files, each whole or not at all."""
    state = {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
    save_file(state, folder / f"{WEIGHTS}.partial")
    (folder / f"{SETTINGS}.partial").write_text(json.dumps(dataclasses.asdict(settings), indent=2) + "\n")
    for name in (SETTINGS, WEIGHTS):
        (folder / f"{name}.partial").replace(folder / name)


def is_finished(folder: Path) -> bool:
    """Whether a stage has left its result in a folder."""
    return all((folder / name).is_file() for name in (SETTINGS, WEIGHTS))


def read_settings_of(folder: Path, kind: type[T]) -> T:
    """The settings with which a stage was trained. Raises TrainingError where it is not finished."""
    path = folder / SETTINGS
    if not is_finished(folder):
        raise TrainingError(f"{folder}: no finished stage; train it first")
    settings: T = build(kind, json.loads(path.read_text(encoding="utf-8")), str(path))
    return settings


def read_weights(folder: Path, module: nn.Module) -> None:
    """Fill the module with a stage's weights. Raises TrainingError where names or shapes differ."""
    try:
        module.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, RuntimeError) as error:
        raise TrainingError(f"{folder / WEIGHTS}: {' '.join(str(error).split())[:400]}") from error
