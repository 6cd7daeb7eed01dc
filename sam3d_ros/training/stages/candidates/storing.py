"""Candidates on disk: files of some views each, made one after the other, so that a killed run loses one at most."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from ...data.shards import mapped_arrays
from ...engine.budget import Budget
from ...engine.errors import TrainingError
from .judging import columns
from .proposing import Judged

PER_FILE = 32  # views
ABOUT = "about.json"
Propose = Callable[[Sequence[int]], Judged]


def fill(
    folder: Path, numbers: Sequence[int], about: Mapping[str, Any], propose: Propose, budget: Budget
) -> Candidates | None:
    """Candidates for the views of these numbers, made where they are missing; None if the budget ended it before.

    `about` says how they were made. Raises TrainingError where the folder has others.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _agree(folder, {**about, "views": list(map(int, numbers))})
    parts = [numbers[first : first + PER_FILE] for first in range(0, len(numbers), PER_FILE)]
    for place, part in enumerate(tqdm(parts, desc="candidates", unit="file")):
        if (path := folder / f"candidates-{place:05d}.npz").is_file():
            continue
        if budget.spent:
            return None
        _write(path, part, propose(part))
    return Candidates(folder)


def stored(folder: Path) -> bool:
    """Whether a folder has candidates for all views that it is about."""
    if not (folder / ABOUT).is_file():
        return False
    views = json.loads((folder / ABOUT).read_text(encoding="utf-8"))["views"]
    return len(list(folder.glob("candidates-*.npz"))) == -(-len(views) // PER_FILE)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates of a folder, view by view; latents are read when they are asked for."""

    folder: Path

    def column(self, name: str) -> NDArray[Any]:
        """`view` [V] numbers, or `score`, `iou`, `f_score`, `chamfer` [V, N]."""
        return np.concatenate([file[name] for file in _files(self.folder)])

    def latent(self, row: int, candidate: int) -> NDArray[np.float32]:
        """Shape latent [tokens, channels] of a candidate of the view in a row."""
        file, place = _files(self.folder)[row // PER_FILE], row % PER_FILE
        return np.array(file["latent"][place, candidate], np.float32)


def _agree(folder: Path, about: Mapping[str, Any]) -> None:
    path, text = folder / ABOUT, json.dumps(about, indent=1) + "\n"
    if not path.exists():
        partial = path.with_suffix(".partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    elif path.read_text(encoding="utf-8") != text:
        raise TrainingError(f"{folder}: candidates that were made with other settings; remove the folder to make anew")


def _write(path: Path, numbers: Sequence[int], judged: Judged) -> None:
    arrays: dict[str, Any] = {
        "view": np.array(numbers, np.int64),
        "latent": _half(judged.latents),
        **columns(judged.verdicts),
    }
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, **arrays)
    partial.replace(path)


def _half(latents: Tensor) -> NDArray[np.float16]:
    found: NDArray[np.float16] = latents.to(torch.float16).cpu().numpy()
    return found


@lru_cache(maxsize=8)
def _files(folder: Path) -> tuple[dict[str, NDArray[Any]], ...]:
    """Mapped files, opened once per process."""
    return tuple(mapped_arrays(path) for path in sorted(folder.glob("candidates-*.npz")))
