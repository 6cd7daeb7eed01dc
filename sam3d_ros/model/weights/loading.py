"""Weights folders read for inference: mapped into memory, part by part, straight to device and dtype."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ..config import Sam3dConfig
from .checks import differences, refuse_differences
from .errors import WeightsError
from .manifest import DTYPES, Manifest, Shard, read_manifest
from .model import Sam3dModel
from .parts import build_empty, computed_specs, fill, part_of
from .shards import TensorSpec, open_shard, read_specs, sha256_of

_GROUP = 1 << 24  # bytes read through one mapping where they are copied


class WeightsFolder:
    """A weights folder whose parts are loaded one by one; a part is released by dropping the last reference to it."""

    def __init__(self, folder: Path | str, *, verify: bool = False) -> None:
        """Read the manifest; with `verify` also every byte, and compare the hashes. WeightsError when unusable."""
        self.folder = Path(folder)
        self.manifest: Manifest = read_manifest(self.folder)
        for name in self.parts if verify else ():
            self.verify(name)

    @property
    def config(self) -> Sam3dConfig:
        """Sizes of the model."""
        return self.manifest.config

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts that are here."""
        return tuple(self.manifest.parts)

    @property
    def dtype(self) -> torch.dtype:
        """In which the tensors that may be half are stored."""
        return DTYPES[self.manifest.dtype]

    def nbytes(self, part: str, dtype: torch.dtype | None = None) -> int:
        """Memory that the weights of a part take on their device when it computes in `dtype`, by default as stored."""
        self._shard(part)
        return sum(spec.nbytes for spec in computed_specs(part, self.config, dtype or self.dtype).values())

    def load(self, part: str, *, device: torch.device | str = "cpu", dtype: torch.dtype | None = None) -> nn.Module:
        """The module in evaluation mode, on `device`, computing in `dtype`, by default that of the folder.

        On the CPU, tensors that keep their dtype stay mapped: the file must not be changed while they are in use (a
        new folder moved in its place is fine). WeightsError when the shard is damaged or is not the part's.
        """
        path = self._path(part)
        stored, wanted = read_specs(path), computed_specs(part, self.config, dtype or self.dtype)
        found = differences(
            str(path),
            {key: spec.shape for key, spec in wanted.items()},
            {key: spec.shape for key, spec in stored.items()},
        )
        refuse_differences([found], "Import the weights again")
        tensors = dict(_read(path, stored, wanted, torch.device(device)))
        return fill(build_empty(part, self.config, dtype or self.dtype), tensors)

    def verify(self, part: str) -> None:
        """Read a shard and compare its hash with the manifest's; WeightsError when it differs."""
        path, shard = self._path(part), self._shard(part)
        found = sha256_of(path)
        if found != shard.sha256:
            hashes = f"{found[:12]}..., the manifest says {shard.sha256[:12]}..."
            raise WeightsError(f"{path}: SHA-256 is {hashes}; import the weights again")

    def _path(self, part: str) -> Path:
        """The shard, after a look at its size, which finds a file cut short without reading it."""
        path, shard = self.folder / self._shard(part).file, self._shard(part)
        try:
            size = path.stat().st_size
        except OSError as error:
            raise WeightsError(f"{path}: cannot be read ({error.strerror}); import the weights again") from error
        if size != shard.bytes:
            raise WeightsError(f"{path}: {size} bytes, the manifest says {shard.bytes}; import the weights again")
        return path

    def _shard(self, part: str) -> Shard:
        part_of(part)
        if part not in self.manifest.parts:
            raise WeightsError(f"{self.folder}: has no {part}; its parts are {', '.join(self.parts)}")
        return self.manifest.parts[part]


def load_weights(
    folder: Path | str,
    *,
    parts: Sequence[str] | None = None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
) -> Sam3dModel:
    """The model of a weights folder with the named parts, or all that it has; see `WeightsFolder.load`."""
    weights = WeightsFolder(folder)
    names = weights.parts if parts is None else parts
    return Sam3dModel(weights.config, {name: weights.load(name, device=device, dtype=dtype) for name in names})


def _read(
    path: Path, stored: dict[str, TensorSpec], wanted: dict[str, TensorSpec], device: torch.device
) -> Iterator[tuple[str, Tensor]]:
    """Every tensor on its device, in its dtype.

    What was read through a mapping counts as memory of ours until no tensor needs the mapping any more. So where
    tensors are copied all of them are, and each mapping serves a few.
    """
    copy = device.type != "cpu" or stored != wanted
    for names in _groups(stored) if copy else [list(stored)]:
        with open_shard(path) as file:
            for name in names:
                yield name, file.get_tensor(name).to(device=device, dtype=wanted[name].dtype, copy=copy)


def _groups(specs: dict[str, TensorSpec]) -> Iterable[list[str]]:
    groups: list[list[str]] = [[]]
    size = 0
    for name, spec in specs.items():
        if size > _GROUP:
            groups.append([])
            size = 0
        groups[-1].append(name)
        size += spec.nbytes
    return groups
