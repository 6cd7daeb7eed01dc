"""Which sample is seen when: a fixed function of the seed, so that a run can be resumed at any step.

Position p is the p-th sample that a run sees, whatever the number of its processes and of the parts of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .errors import TrainingError

Permutation: TypeAlias = Callable[[int, int], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Share:
    """The part of every batch that one process works through, in parts of equal size."""

    batch: int  # samples of one step
    rank: int = 0
    processes: int = 1
    accumulate: int = 1

    def __post_init__(self) -> None:
        if self.batch % (self.processes * self.accumulate):
            parts = f"{self.processes} processes in {self.accumulate} parts"
            raise TrainingError(f"a batch of {self.batch} cannot be shared by {parts}; take a multiple of both")

    @property
    def part(self) -> int:
        """Samples that are in memory at a time."""
        return self.batch // (self.processes * self.accumulate)

    def positions(self, step: int) -> list[range]:
        """Positions of each part of a step."""
        first = step * self.batch + self.rank * self.part * self.accumulate
        return [range(first + self.part * k, first + self.part * (k + 1)) for k in range(self.accumulate)]


class Order:
    """Every sample once in a shuffled order, then again in another one."""

    def __init__(self, samples: int, seed: int, permuted: Permutation | None = None) -> None:
        """`permuted` gives the order of a round by seed and number; None shuffles."""
        self.samples, self.seed = samples, seed
        self._permuted = permuted or self._shuffled
        self._round = -1
        self._order: NDArray[Any] = np.empty(0, np.int64)

    def index(self, position: int) -> int:
        """Number of the sample at a position."""
        number, place = divmod(position, self.samples)
        if number != self._round:
            self._round, self._order = number, self._permuted(self.seed, number)
        return int(self._order[place])

    def _shuffled(self, seed: int, number: int) -> NDArray[Any]:
        shuffled: NDArray[Any] = np.random.default_rng((seed, number)).permutation(self.samples)
        return shuffled


def rng_at(seed: int, position: int) -> Generator:
    """The random numbers that belong to a position: the same in every process and after every interruption."""
    return np.random.default_rng((seed, 1, position))


def parts_from(share: Share, first: int, last: int) -> Iterator[range]:
    """Positions of all parts of the steps from `first` to before `last`."""
    for step in range(first, last):
        yield from share.positions(step)
