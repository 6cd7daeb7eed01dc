"""What a weights folder, a published folder or a single file holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import torch

from ..config import Sam3dConfig
from .checkpoints import read_checkpoint
from .checks import differences, shapes_of
from .config_file import config_to_json
from .errors import WeightsError
from .importing import published_files
from .loading import WeightsFolder
from .manifest import MANIFEST, SAM_LICENCE
from .parts import FILES, PARTS, published_specs
from .paths import Found, found_at
from .shards import TensorSpec, read_specs


class Check(Enum):
    """What is known of a file's content."""

    VERIFIED = "SHA-256 verified"
    KEYS = "keys and shapes fit"
    UNKNOWN = "not compared"


@dataclass(frozen=True, slots=True)
class Entry:
    """One part, or what is in a file that is none of ours."""

    name: str
    file: str
    tensors: int
    parameters: int
    bytes: int
    dtypes: tuple[str, ...]
    check: Check


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found."""

    path: str
    kind: str
    origin: str
    licence: str
    entries: tuple[Entry, ...]
    config: dict[str, object] | None  # None where the file does not say


def inspect_weights(path: Path, hashed: Callable[[str], None] | None = None) -> Inspection:
    """Read everything that can be checked; WeightsError for the first thing that is wrong.

    `hashed` hears the name of each part whose hash is about to be computed, which takes seconds.
    """
    if path.name == MANIFEST:
        path = path.parent
    if found_at(path) is Found.FILE:
        in_folder = path.stem in PARTS and found_at(path.parent / MANIFEST) is Found.FILE
        return _weights_folder(path.parent, hashed, path.stem) if in_folder else _single_file(path)
    if found_at(path / MANIFEST) is Found.FILE:
        return _weights_folder(path, hashed)
    return _published_folder(path)


def _weights_folder(path: Path, hashed: Callable[[str], None] | None, only: str | None = None) -> Inspection:
    weights = WeightsFolder(path)
    entries = []
    for name in weights.parts if only is None else [only]:
        if hashed is not None:
            hashed(name)
        weights.verify(name)
        shard = path / weights.manifest.parts[name].file
        entries.append(_entry(name, shard.name, read_specs(shard), Check.VERIFIED))
    manifest = weights.manifest
    kind = f"weights folder, {manifest.dtype}, written by sam3d_ros {manifest.project_version}"
    config = config_to_json(weights.config)
    return Inspection(str(path), kind, manifest.origin, manifest.licence, tuple(entries), config)


def _published_folder(path: Path) -> Inspection:
    files = published_files(path)
    if not files:
        wanted = f"neither {MANIFEST} nor any of {', '.join(f'{stem}.ckpt' for stem in FILES)}"
        raise WeightsError(f"{path}: {wanted} is here; give a weights folder, a published folder or a file")
    entries = [entry for stem, file in files.items() for entry in _published_entries(stem, file)]
    missing = [stem for stem in FILES if stem not in files]
    kind = "published checkpoints" + (f", without {', '.join(missing)}" if missing else "")
    return Inspection(str(path), kind, "downloaded", SAM_LICENCE, tuple(entries), config_to_json(Sam3dConfig()))


def _single_file(path: Path) -> Inspection:
    if path.stem in FILES:
        entries = _published_entries(path.stem, path)
        return Inspection(str(path), "published checkpoint", "downloaded", SAM_LICENCE, tuple(entries), None)
    tensors = read_checkpoint(path)
    entry = _entry(path.stem, path.name, _specs(tensors), Check.UNKNOWN)
    return Inspection(str(path), "single file", "unknown", "unknown", (entry,), None)


def _published_entries(stem: str, path: Path) -> list[Entry]:
    """The parts of a published file; WeightsError where it differs from the released sizes."""
    tensors = read_checkpoint(path)
    expected = {key: spec.shape for key, spec in published_specs()[stem].items()}
    found = differences(path.name, expected, shapes_of(tensors))
    if found:
        raise WeightsError(f"{found}. Get the file again, or import it with the version that it belongs to")
    specs = _specs(tensors)
    return [
        _entry(name, path.name, {key: spec for key, spec in specs.items() if key.startswith(part.prefix)}, Check.KEYS)
        for name, part in PARTS.items()
        if part.file == stem
    ]


def _specs(tensors: Mapping[str, torch.Tensor]) -> dict[str, TensorSpec]:
    return {key: TensorSpec(tuple(tensor.shape), tensor.dtype) for key, tensor in tensors.items()}


def _entry(name: str, file: str, specs: Mapping[str, TensorSpec], check: Check) -> Entry:
    return Entry(
        name=name,
        file=file,
        tensors=len(specs),
        parameters=sum(spec.numel for spec in specs.values()),
        bytes=sum(spec.nbytes for spec in specs.values()),
        dtypes=tuple(sorted({str(spec.dtype).removeprefix("torch.") for spec in specs.values()})),
        check=check,
    )
