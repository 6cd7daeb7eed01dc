"""Parts of a model that are loaded and released within a budget."""

from __future__ import annotations

import pytest
from torch import nn

from sam3d_ros.pipeline.sam3d.residency import Residency

SIZES = {"a": 4, "b": 3, "c": 2}


class Loader:
    """Counts what is loaded."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, part: str) -> nn.Module:
        self.calls.append(part)
        return nn.Identity()


def walk(residency: Residency, rounds: int = 1, *, alone: bool = False) -> list[tuple[str, ...]]:
    """What lies in memory at each turn of so many objects."""
    held = []
    for _ in range(rounds):
        for part in SIZES:
            with residency.use(part, alone=alone):
                held.append(residency.loaded)
    return held


@pytest.mark.parametrize("budget", [None, 9, 100])
def test_where_all_parts_fit_each_is_loaded_once(budget):
    loader = Loader()
    residency = Residency(loader, SIZES, budget)
    assert residency.fits
    walk(residency, 3)
    assert loader.calls == ["a", "b", "c"]
    assert residency.loaded == ("a", "b", "c")


@pytest.mark.parametrize("budget", range(4, 9))
def test_no_more_than_the_budget_is_ever_held(budget):
    for held in walk(Residency(Loader(), SIZES, budget), 3):
        assert sum(SIZES[part] for part in held) <= budget


@pytest.mark.parametrize("budget", [0, 1, 3])
def test_the_part_in_use_is_allowed_whatever_the_budget_says(budget):
    assert walk(Residency(Loader(), SIZES, budget), 2) == [("a",), ("b",), ("c",)] * 2


def test_what_is_needed_last_goes_first():
    loader = Loader()
    residency = Residency(loader, SIZES, 7)  # two parts at a time
    walk(residency, 2)
    # At c's turn b goes, for a comes sooner; at b's next turn a goes, for c comes sooner.
    assert loader.calls == ["a", "b", "c", "b"]
    assert residency.loaded == ("b", "c")


def test_alone_means_that_nothing_else_is_held_and_nothing_stays():
    residency = Residency(Loader(), SIZES, None)
    residency.load_all()
    assert walk(residency, alone=True) == [("a",), ("b",), ("c",)]
    assert residency.loaded == ()


def test_load_all_loads_nothing_where_the_parts_do_not_fit_together():
    loader = Loader()
    residency = Residency(loader, SIZES, 8)
    residency.load_all()
    assert loader.calls == []
    Residency(loader, SIZES, 9).load_all()
    assert loader.calls == ["a", "b", "c"]


def test_a_part_that_runs_out_of_memory_alone_is_released():
    residency = Residency(Loader(), SIZES, None)
    with pytest.raises(MemoryError), residency.use("a", alone=True):
        raise MemoryError
    assert residency.loaded == ()


def test_released_parts_are_loaded_again():
    loader = Loader()
    residency = Residency(loader, SIZES, None)
    walk(residency)
    residency.release()
    assert residency.loaded == ()
    walk(residency)
    assert loader.calls == ["a", "b", "c"] * 2
