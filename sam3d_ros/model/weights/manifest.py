"""`manifest.json` beside the shards: what the weights are, and by which their files are known to be whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from ... import __version__
from ..config import Sam3dConfig
from .config_file import config_from_json, config_to_json
from .errors import WeightsError
from .parts import PARTS
from .paths import require_folder

MANIFEST = "manifest.json"
FORMAT = 1
DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}
SAM_LICENCE = (
    "SAM License: these weights derive from Meta's SAM 3D Objects checkpoints and stay under the terms that were "
    "accepted with the download, https://github.com/facebookresearch/sam-3d-objects/blob/main/LICENSE"
)


@dataclass(frozen=True, slots=True)
class Shard:
    """The file of one part."""

    file: str
    bytes: int
    sha256: str
    tensors: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a weights folder says of itself."""

    config: Sam3dConfig
    dtype: str  # of the tensors that may be half
    origin: str  # how the weights came about
    licence: str
    parts: Mapping[str, Shard]
    sources: Mapping[str, int] = field(default_factory=dict)  # files they were made from -> bytes
    project_version: str = __version__
    provenance: Mapping[str, Any] = field(default_factory=dict)  # of trained weights: seed, steps, figures by stage


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json`."""
    content = {
        "format": FORMAT,
        "project_version": manifest.project_version,
        "origin": manifest.origin,
        "licence": manifest.licence,
        "dtype": manifest.dtype,
        "parts": {name: asdict(shard) for name, shard in manifest.parts.items()},
        "sources": dict(manifest.sources),
        "provenance": dict(manifest.provenance),
        "config": config_to_json(manifest.config),
    }
    (folder / MANIFEST).write_text(json.dumps(content, indent=2) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Read and check it; WeightsError names the folder or field that is wrong."""
    path = folder / MANIFEST
    content = _content(folder, path)
    try:
        manifest = Manifest(
            config=config_from_json(content["config"]),
            dtype=_one_of(content["dtype"], "dtype", DTYPES),
            origin=_text(content["origin"], "origin"),
            licence=_text(content["licence"], "licence"),
            parts={_one_of(name, "parts", PARTS): _shard(name, entry) for name, entry in content["parts"].items()},
            sources={str(name): int(size) for name, size in content["sources"].items()},
            project_version=_text(content["project_version"], "project_version"),
            provenance=dict(content.get("provenance", {})),  # absent in folders of before it was kept
        )
    except KeyError as error:
        raise WeightsError(f"{path}: the field {error} is absent; import the weights again") from error
    except (TypeError, AttributeError, ValueError) as error:
        raise WeightsError(f"{path}: {error}; import the weights again") from error
    return manifest


def _content(folder: Path, path: Path) -> dict[str, Any]:
    require_folder(folder, "the folder that `sam3d-ros weights import` wrote")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsError(f"{folder}: no {MANIFEST}, so no imported weights; {_advice(folder)}") from error
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise WeightsError(f"{path}: no valid JSON ({error}); import the weights again") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else content
        raise WeightsError(f"{path}: format is {found!r}, supported is {FORMAT}; import the weights again")
    return content


def _advice(folder: Path) -> str:
    published = any(folder.glob("ss_generator.*"))
    return f"run `sam3d-ros weights import {folder}` first" if published else "give the folder that it lies in"


def _shard(name: str, entry: Mapping[str, Any]) -> Shard:
    shard = Shard(**entry)
    # The name becomes a path: it must stay in the folder.
    if shard.file != f"{name}.safetensors":
        raise WeightsError(f"parts.{name}.file is {shard.file!r}, expected '{name}.safetensors'")
    if not all(isinstance(number, int) for number in (shard.bytes, shard.tensors, shard.parameters)):
        raise WeightsError(f"parts.{name} has bytes, tensors or parameters that are no numbers")
    return shard


def _text(value: object, field_name: str) -> str:
    if not isinstance(value, str):
        raise WeightsError(f"{field_name} is {value!r}, expected a text")
    return value


def _one_of(value: object, field_name: str, options: Mapping[str, object]) -> str:
    if value not in options:
        raise WeightsError(f"{field_name} is {value!r}, expected one of {', '.join(options)}")
    return str(value)
