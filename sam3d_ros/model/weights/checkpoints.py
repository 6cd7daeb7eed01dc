"""The published files, read without executing anything that they contain."""

from __future__ import annotations

import pickle
import re
import struct
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .errors import WeightsError
from .shards import open_shard

SUFFIXES = (".ckpt", ".safetensors")
_LFS_POINTER = b"version https://git-lfs.github.com/spec"
# What torch.load raises for files that are damaged in one way or another.
_DAMAGED = (
    RuntimeError, OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, struct.error,
    zipfile.BadZipFile,
)  # fmt: skip


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Key -> tensor mapped from the file, so that only what is touched is read.

    A `.ckpt` may be a plain state dict or have one under `state_dict`. WeightsError for everything else.
    """
    if path.suffix == ".safetensors":
        _refuse_pointer(path)
        with open_shard(path) as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    content = _load(path)
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not content:
        raise WeightsError(f"{path}: holds {_kind(content)}, expected a dict of tensors; is it another model's file?")
    for key, value in content.items():
        if not isinstance(key, str):
            raise WeightsError(f"{path}: {key!r} is no name of a tensor; is it another model's file?")
        if not isinstance(value, Tensor):
            raise WeightsError(f"{path}: {key!r} is {_kind(value)}, expected a tensor; is it another model's file?")
    return content


def _load(path: Path) -> Any:
    _refuse_pointer(path)
    if not zipfile.is_zipfile(path):
        raise WeightsError(f"{path}: cut short, or no file of torch.save (old pickles are not read); download it again")
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"calls {found[1]}" if found else "holds more than tensors"
        raise WeightsError(
            f"{path}: wants to execute code when it is opened ({what}), which is refused; get the original file"
        ) from error
    except _DAMAGED as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise WeightsError(f"{path}: damaged ({reason}); download it again") from error


def _refuse_pointer(path: Path) -> None:
    """A clone without Git LFS has small text files in place of the real ones."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_LFS_POINTER))
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    if start == _LFS_POINTER:
        raise WeightsError(f"{path}: only the Git LFS pointer, not the file; run `git lfs pull` or `hf download`")


def _kind(value: object) -> str:
    return f"a {type(value).__name__}" if not isinstance(value, dict) or value else "an empty dict"
