"""Which parts of the model lie in memory: all where they fit, else each when its turn comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from torch import nn


class Residency:
    """Loads parts when they are asked for and releases others where the budget is too small for all.

    `sizes` are bytes, in the order in which the parts have their turns for each object; `budget` is what all loaded
    parts together may take, None without limit. One part is always allowed: the one in use. Of the others, those go
    first whose next turn is farthest.
    """

    def __init__(self, load: Callable[[str], nn.Module], sizes: Mapping[str, int], budget: int | None) -> None:
        self._load = load
        self._sizes = dict(sizes)
        self._turns = list(sizes)
        self._budget = budget
        self._loaded: dict[str, nn.Module] = {}

    @property
    def fits(self) -> bool:
        """Whether all parts may stay loaded at once."""
        return self._budget is None or sum(self._sizes.values()) <= self._budget

    @property
    def loaded(self) -> tuple[str, ...]:
        """The parts that lie in memory, in the order of their turns."""
        return tuple(part for part in self._turns if part in self._loaded)

    @contextmanager
    def use(self, part: str, *, alone: bool = False) -> Iterator[nn.Module]:
        """The part for the time of a block; with `alone` nothing else stays loaded, and nothing does afterwards."""
        if alone:
            self.release(*(other for other in self.loaded if other != part))
        try:
            yield self._get(part)
        finally:
            if alone:
                self.release(part)

    def load_all(self) -> None:
        """Load every part that can stay; nothing where they do not fit together."""
        if self.fits:
            for part in self._turns:
                self._get(part)

    def release(self, *parts: str) -> None:
        """Give back the memory of these parts; of all without a name."""
        for part in parts or self.loaded:
            self._loaded.pop(part, None)

    def _get(self, part: str) -> nn.Module:
        if part not in self._loaded:
            self._make_room(part)
            self._loaded[part] = self._load(part)
        return self._loaded[part]

    def _make_room(self, part: str) -> None:
        if self._budget is None:
            return
        room = self._budget - self._sizes[part]
        for other in sorted(self.loaded, key=lambda name: self._turns_until(name, part), reverse=True):
            if sum(self._sizes[name] for name in self.loaded) <= room:
                return
            self.release(other)

    def _turns_until(self, part: str, now: str) -> int:
        return (self._turns.index(part) - self._turns.index(now)) % len(self._turns)
