"""A published checkpoint folder at small sizes: random weights under the published names, and yaml that fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor

from sam3d_ros.model.config import SMALL, Sam3dConfig
from sam3d_ros.model.weights.parts import FILES, published_specs
from sam3d_ros.model.weights.random_weights import random_tensor
from sam3d_ros.model.weights.supported import FILES as YAML_FILES
from sam3d_ros.model.weights.supported import LeftOut, supported_fields

StateDicts = dict[str, dict[str, Tensor]]


def state_dicts(config: Sam3dConfig = SMALL, seed: int = 0) -> StateDicts:
    """Float32 weights of all six files."""
    specs = published_specs(config)
    return {
        stem: {key: random_tensor(f"{stem}.{key}", spec, seed) for key, spec in specs[stem].items()} for stem in FILES
    }


def write_checkpoint(path: Path, tensors: dict[str, Tensor]) -> None:
    """Generators under `state_dict` beside other things, decoders plain, as they are published."""
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save({"state_dict": tensors, "global_step": 7} if "generator" in path.name else tensors, path)


def write_folder(folder: Path, dicts: StateDicts, suffix: str = ".ckpt") -> Path:
    """All six checkpoints and no yaml."""
    folder.mkdir(parents=True)
    for stem, tensors in dicts.items():
        write_checkpoint(folder / f"{stem}{suffix}", tensors)
    return folder


def write_yaml(folder: Path, config: Sam3dConfig = SMALL, **changes: dict[str, object]) -> None:
    """All yaml files; `changes` by file stem: dotted field -> value."""
    for stem in YAML_FILES:
        fields = {
            name: entry.means if isinstance(entry, LeftOut) else entry
            for name, entry in supported_fields(stem, config).items()
        }
        (folder / f"{stem}.yaml").write_text(yaml.safe_dump(nested(fields | changes.get(stem, {}))))


def nested(fields: dict[str, object]) -> Any:
    """Dotted fields as mappings, and as lists where the names are numbers."""
    tree: dict[str, Any] = {}
    for name, value in fields.items():
        *above, last = name.split(".")
        branch = tree
        for step in above:
            branch = branch.setdefault(step, {})
        branch[last] = value
    return _with_lists(tree)


def _with_lists(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    children = {name: _with_lists(child) for name, child in tree.items()}
    return [children[str(i)] for i in range(len(children))] if children and "0" in children else children
