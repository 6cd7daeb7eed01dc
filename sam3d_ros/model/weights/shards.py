"""Safetensors files: written tensor by tensor, so that one tensor at a time is in memory, and read mapped."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from .checks import Shape
from .errors import WeightsError

FORMAT_NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
DTYPES = {name: dtype for dtype, name in FORMAT_NAMES.items()}
_ALIGNMENT = 8  # bytes, of where the tensors begin
_HASH_BLOCK = 1 << 24  # bytes


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What a tensor looks like."""

    shape: Shape
    dtype: torch.dtype

    @property
    def numel(self) -> int:
        """Numbers in it."""
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def nbytes(self) -> int:
        """Size."""
        return self.numel * int(self.dtype.itemsize)


def write_shard(
    path: Path,
    specs: Mapping[str, TensorSpec],
    tensor_of: Callable[[str], Tensor],
    written: Callable[[int], None] = lambda count: None,
) -> str:
    """Write a safetensors file and return its SHA-256.

    `tensor_of` gives a tensor of the named spec when its turn comes, `written` hears the bytes of each. The library's
    own writer would need all tensors of a file at once, in their final precision.
    """
    # Wider numbers first, so that each tensor begins at a multiple of its item size.
    names = sorted(specs, key=lambda name: (-int(specs[name].dtype.itemsize), name))
    digest = hashlib.sha256()
    with path.open("xb") as file:
        header = _header(names, specs)
        digest.update(header)
        file.write(header)
        for name in names:
            data = tensor_of(name).detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
            digest.update(data)
            file.write(data)
            written(data.nbytes)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _header(names: list[str], specs: Mapping[str, TensorSpec]) -> bytes:
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    begin = 0
    for name in names:
        end = begin + specs[name].nbytes
        entries[name] = {
            "dtype": FORMAT_NAMES[specs[name].dtype],
            "shape": specs[name].shape,
            "data_offsets": (begin, end),
        }
        begin = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return len(text).to_bytes(8, "little") + text


def read_specs(path: Path) -> dict[str, TensorSpec]:
    """Names, shapes and dtypes, from the header alone; WeightsError for a file that is none, or cut short."""
    with open_shard(path) as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        unknown = {name: part.get_dtype() for name, part in slices.items() if part.get_dtype() not in DTYPES}
        if unknown:
            name, dtype = next(iter(unknown.items()))
            raise WeightsError(f"{path}: {name} is {dtype}, expected one of {', '.join(DTYPES)}; import it again")
        return {name: TensorSpec(tuple(part.get_shape()), DTYPES[part.get_dtype()]) for name, part in slices.items()}


def open_shard(path: Path) -> safe_open:
    """The file, mapped into memory and its header checked; WeightsError for a file that is none, or cut short."""
    try:
        return safe_open(str(path), framework="pt")
    except SafetensorError as error:
        raise WeightsError(f"{path}: cut short or no safetensors file ({error}); get or import it again") from error
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror or error})") from error


def sha256_of(path: Path, read: Callable[[int], None] = lambda count: None) -> str:
    """Hash of a file; `read` hears the bytes of each block."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_HASH_BLOCK):
                digest.update(block)
                read(len(block))
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    return digest.hexdigest()
