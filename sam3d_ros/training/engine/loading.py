"""Batches, prepared in worker processes while the device works on the ones before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from numpy.random import Generator
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .positions import Order, Share, parts_from, rng_at

Sample: TypeAlias = Mapping[str, Any]  # arrays or tensors of one object


class Samples(Protocol):
    """Data of a stage: numbered samples, made or read on demand. Also in worker processes, so it must be picklable.

    Samples that are read from large files may have a method `order(seed, round)` that says in which order to go through
    them; others are shuffled.
    """

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, index: int, /) -> Sample:
        """Arrays by name, of the same shapes in every sample; raises IndexError past the end."""


# Makes of a sample what the objective reads: the random numbers of its position, and the share of the run that is done.
Prepare: TypeAlias = Callable[[Sample, Generator, float], Sample]


class Positioned(Dataset[Sample]):
    """Samples by their position in a run."""

    def __init__(self, samples: Samples, prepare: Prepare, *, seed: int, positions: int) -> None:
        """`positions` is how many the whole run has."""
        self.samples, self.prepare, self.seed, self.positions = samples, prepare, seed, positions
        self._order = Order(len(samples), seed, getattr(samples, "order", None))

    def __getitem__(self, position: int) -> Sample:
        sample = self.samples[self._order.index(position)]
        return self.prepare(sample, rng_at(self.seed, position), position / self.positions)


def parts(
    data: Positioned, share: Share, steps: tuple[int, int], *, workers: int, pinned: bool
) -> Iterator[dict[str, Tensor]]:
    """The parts of all steps from the first to before the last, in order, on the CPU."""
    chosen: Sequence[range] = list(parts_from(share, *steps))
    loader = DataLoader(
        data,
        batch_sampler=chosen,
        num_workers=workers,
        pin_memory=pinned,
        prefetch_factor=4 if workers else None,
    )
    yield from loader
