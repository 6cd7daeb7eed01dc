"""Views for training, by number: read from mapped files, so that any order costs the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .shards import Shard
from .views import View


class ViewReader:
    """All views of a split; also a map-style data set for `torch.utils.data.DataLoader`, and picklable."""

    def __init__(self, folder: Path, split: str) -> None:
        self.folder, self.split = folder, split
        self._shards = [Shard(path) for path in sorted(folder.glob(f"{split}-*.npz"))]
        if not self._shards:
            raise FileNotFoundError(f"no {split} views in {folder}: make them with sam3d_ros.training.data.build first")
        self._end = np.cumsum([len(shard) for shard in self._shards])

    def __len__(self) -> int:
        return int(self._end[-1])

    def __getitem__(self, index: int) -> View:
        if not 0 <= index < len(self):
            raise IndexError(f"view {index} of {len(self)}")
        number = int(np.searchsorted(self._end, index, side="right"))
        return self._shards[number][index - (int(self._end[number - 1]) if number else 0)]

    def __reduce__(self) -> tuple[type[ViewReader], tuple[Path, str]]:
        return ViewReader, (self.folder, self.split)

    def column(self, name: str) -> NDArray[np.generic]:
        """One of `shards.NUMBERS` for all views, without opening a picture."""
        return np.concatenate([shard.column(name) for shard in self._shards])

    def order(self, seed: int, epoch: int) -> NDArray[np.int64]:
        """Numbers of all views in the order of an epoch."""
        return np.random.default_rng([19, seed, epoch]).permutation(len(self))

    def stream(self, seed: int, epoch: int = 0, position: int = 0) -> Iterator[tuple[int, int, View]]:
        """Epoch, position and view without end, from a position on: what a killed run has to remember is these two."""
        while True:
            for place, index in enumerate(self.order(seed, epoch)[position:], start=position):
                yield epoch, place, self[int(index)]
            epoch, position = epoch + 1, 0
