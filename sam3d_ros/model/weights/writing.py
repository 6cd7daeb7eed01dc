"""Weights folders, written beside their place and moved there when whole."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..config import Sam3dConfig
from .checks import refuse_not_finite, shape_text
from .errors import WeightsError
from .manifest import DTYPES, Manifest, Shard, write_manifest
from .parts import stored_specs
from .paths import Found, found_at
from .shards import TensorSpec, write_shard

Progress = Callable[[int, int], None]
_MARGIN = 1 << 24  # bytes left free on the disk


@dataclass(frozen=True, slots=True)
class Source:
    """Where the tensors of a part come from, and how errors call them: `file: prefix + key`."""

    file: str
    prefix: str
    read: Callable[[str], Tensor]  # from the name in the module


@dataclass(frozen=True, slots=True)
class Description:
    """What a manifest says besides sizes and hashes."""

    config: Sam3dConfig
    dtype: str
    origin: str
    licence: str
    sources: Mapping[str, int] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)  # of trained weights: by stage, as JSON has it


def write_weights(
    output: Path,
    parts: Mapping[str, Source],
    description: Description,
    *,
    progress: Progress | None = None,
) -> Manifest:
    """Write a new weights folder from the sources of its parts.

    The tensors are brought to their stored dtype and checked to be finite, one at a time. `progress` hears bytes done
    and bytes of all. Raises WeightsError when the folder exists, has no room, or a tensor is unusable; then, and when
    it is interrupted, nothing is left.
    """
    dtype = dtype_of(description.dtype)
    specs = {name: stored_specs(name, description.config, dtype) for name in parts}
    total = sum(spec.nbytes for part in specs.values() for spec in part.values())
    counter = _Counter(total, progress)
    with new_folder(output, total) as folder:
        shards = {}
        for name, source in parts.items():
            path = folder / f"{name}.safetensors"
            digest = write_shard(path, specs[name], _stored(source, specs[name]), counter)
            numbers = sum(spec.numel for spec in specs[name].values())
            shards[name] = Shard(path.name, path.stat().st_size, digest, len(specs[name]), numbers)
        manifest = Manifest(
            config=description.config,
            dtype=description.dtype,
            origin=description.origin,
            licence=description.licence,
            parts=shards,
            sources=description.sources,
            provenance=description.provenance,
        )
        write_manifest(folder, manifest)
    return manifest


def dtype_of(name: str) -> torch.dtype:
    """The dtype of a name; WeightsError lists those that weights are stored in."""
    if name not in DTYPES:
        raise WeightsError(f"weights cannot be stored as {name!r}; take one of {', '.join(DTYPES)}")
    return DTYPES[name]


@contextmanager
def new_folder(output: Path, needed: int) -> Iterator[Path]:
    """A hidden folder beside `output` that takes its name at the end; removed when anything goes wrong.

    One that a killed process left is emptied; one that a running process fills is refused.
    """
    output = output.absolute()
    partial = output.parent / f".{output.name}.partial"
    try:
        _refuse_taken(output)
        with _parents(output), _locked_folder(partial, output):
            try:
                _empty(partial)
                _refuse_without_room(partial, needed)
                yield partial
                os.replace(partial, output)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
    except OSError as error:
        raise WeightsError(f"{output}: cannot be written ({error.strerror}); nothing was left there") from error


@contextmanager
def _parents(output: Path) -> Iterator[None]:
    """The folders above, made where they are missing, and those made removed when anything goes wrong."""
    made = [folder for folder in output.parents if found_at(folder) is Found.NOTHING]
    above = output.parents[len(made)]
    if found_at(above) is Found.FILE:
        raise WeightsError(f"{output}: {above} is a file; choose another folder")
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # another process may have put something there
            for folder in made:
                folder.rmdir()
        raise


@contextmanager
def _locked_folder(partial: Path, output: Path) -> Iterator[None]:
    """The folder, made where it is missing, under a lock that ends with the process however that ends."""
    partial.mkdir(exist_ok=True)
    # Not through a link, or what lies elsewhere would be emptied.
    handle = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise WeightsError(f"{output}: another process is writing it; wait for that, or stop it") from error
    finally:
        os.close(handle)


class _Counter:
    """Adds up the bytes of all shards."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def __call__(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._total)


def _stored(source: Source, specs: Mapping[str, TensorSpec]) -> Callable[[str], Tensor]:
    """The function that reads a tensor in its stored dtype, and refuses one of another form, or not finite in it."""

    def stored(key: str) -> Tensor:
        tensor, spec, name = source.read(key), specs[key], f"{source.file}: {source.prefix}{key}"
        if tuple(tensor.shape) != spec.shape or not tensor.is_floating_point():
            found = f"{tensor.dtype} {shape_text(tuple(tensor.shape))}"
            raise WeightsError(f"{name} is {found}, expected floating-point numbers {shape_text(spec.shape)}")
        cast = tensor.to(spec.dtype)
        if not bool(torch.isfinite(cast).all()):
            refuse_not_finite(source.file, source.prefix + key, tensor)
            largest = f"{float(tensor.abs().max()):g}"
            raise WeightsError(f"{name}: {largest} is too large for {spec.dtype}; take bfloat16 or float32")
        return cast

    return stored


def _refuse_taken(output: Path) -> None:
    found = found_at(output)
    if found is Found.FILE or (found is Found.FOLDER and any(output.iterdir())):
        raise WeightsError(f"{output} exists already; remove it or choose another folder")


def _refuse_without_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + _MARGIN:
        raise OSError(errno.ENOSPC, f"{needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free on the disk")


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
