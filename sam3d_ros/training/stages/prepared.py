"""Prepared targets on disk: what follows from a view is worked out once, not in every round through the data.

On a GPU the targets cost next to nothing and are made for each batch; on a CPU they cost as much as a third of a step.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import default_collate
from tqdm import tqdm

from ..data.store import ObjectStore
from ..engine.loading import Sample
from .tables import ObjectTable
from .views import StoredViews, ViewTargets

PER_FILE = 256  # samples
_AT_ONCE = 16  # views whose targets are made together
# Numbers that need not be exact take half the room.
_HALF = {"pointmap", "rgb_pointmap"}


@dataclass(frozen=True, slots=True)
class PreparedViews:
    """The samples of a folder that `prepare_views` filled."""

    folder: Path
    split: str

    def __len__(self) -> int:
        return sum(len(part) for part in _files(self.folder, self.split))

    def __getitem__(self, index: int) -> Sample:
        row = _files(self.folder, self.split)[index // PER_FILE][index % PER_FILE]
        return {name: _plain(row[name]) for name in row.dtype.names or ()}


def prepare_views(views: StoredViews, objects: Path, size: int, folder: Path, *, workers: int) -> PreparedViews:
    """Write the targets of all views, where they are missing, at `size` pixels of the model's images."""
    folder.mkdir(parents=True, exist_ok=True)
    firsts = range(0, len(views), PER_FILE)
    jobs = [
        _Job(views, objects, size, path, range(first, min(first + PER_FILE, len(views))))
        for first in firsts
        if not (path := folder / f"{views.split}-{first // PER_FILE:05d}.npy").is_file()
    ]
    if jobs:
        context = multiprocessing.get_context("spawn")
        with context.Pool(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for _ in tqdm(
                pool.imap(_write, jobs), total=len(jobs), desc=f"targets of {views.split} views", unit="file"
            ):
                pass
    return PreparedViews(folder, views.split)


@dataclass(frozen=True, slots=True)
class _Job:
    """One file."""

    views: StoredViews
    objects: Path
    size: int
    path: Path
    numbers: range


def _write(job: _Job) -> None:
    """Write a file, whole or not at all."""
    targets = ViewTargets(_table(job.objects, job.views.ids), job.size)
    rows = [
        row
        for first in range(0, len(job.numbers), _AT_ONCE)
        for row in _rows(targets, job.views, job.numbers[first : first + _AT_ONCE])
    ]
    array = np.empty(len(rows), [(name, value.dtype, value.shape) for name, value in rows[0].items()])
    for place, row in enumerate(rows):
        array[place] = tuple(row.values())
    partial = job.path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, array)
    partial.replace(job.path)


def _rows(targets: ViewTargets, views: StoredViews, numbers: range) -> list[Mapping[str, NDArray[Any]]]:
    made = targets(default_collate([views[number] for number in numbers]))
    arrays = {name: _small(name, x.numpy()) for name, x in made.items()}
    return [{name: array[row] for name, array in arrays.items()} for row in range(len(numbers))]


def _small(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if name in _HALF:
        return array.astype(np.float16)
    return array.astype(np.uint8) if name.endswith(("image", "mask")) else array


def _plain(value: Any) -> Any:
    """A copy that torch may keep; numbers as they are."""
    return np.array(value) if np.ndim(value) else value


@lru_cache(maxsize=2)
def _table(objects: Path, ids: tuple[str, ...]) -> ObjectTable:
    """One table per process."""
    return ObjectTable.of(ObjectStore(objects), ids, torch.device("cpu"))


@lru_cache(maxsize=4)
def _files(folder: Path, split: str) -> tuple[NDArray[Any], ...]:
    """Mapped files, opened once per process."""
    return tuple(np.load(path, mmap_mode="r") for path in sorted(folder.glob(f"{split}-*.npy")))
