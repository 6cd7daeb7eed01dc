"""Grasps of many scenes summed up: shares with intervals over scenes, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from grasp_verdicts import Outcome

_RESAMPLES = 2000
_FAILURES = tuple(outcome for outcome in Outcome if outcome is not Outcome.HOLDS)


@dataclass(frozen=True, slots=True)
class Row:
    """What became of the best grasps that a planner had for an object."""

    method: str
    scene: int  # seed
    label: int  # of the object in its scene
    outcomes: tuple[Outcome, ...]  # of the best grasps, the best first; empty without any
    milliseconds: float

    @property
    def object(self) -> tuple[int, int]:
        """Scene and label: the same object for every planner."""
        return self.scene, self.label

    @property
    def held(self) -> int:
        """How many of the grasps hold."""
        return self.outcomes.count(Outcome.HOLDS)

    @property
    def first(self) -> int:
        """1 where the best grasp holds, else 0."""
        return int(self.outcomes[:1] == (Outcome.HOLDS,))


Count = Callable[[Row], int]


def share(rows: Sequence[Row], hits: Count, tries: Count) -> tuple[float, float, float]:
    """A share of all rows, and its 95 % interval: percentiles of shares of scenes drawn with replacement.

    Scenes are drawn and not objects, because the objects of a scene share a camera. NaN where nothing was tried.
    """
    scenes = np.unique([row.scene for row in rows], return_inverse=True)[1]
    number = int(scenes.max()) + 1
    hit, tried = (np.bincount(scenes, [count(row) for row in rows], number) for count in (hits, tries))
    drawn = np.random.default_rng(0).integers(number, size=(_RESAMPLES, number))
    totals, wholes = hit[drawn].sum(axis=1), tried[drawn].sum(axis=1)
    if not tried.sum():
        return float("nan"), float("nan"), float("nan")
    low, high = np.quantile(totals[wholes > 0] / wholes[wholes > 0], [0.025, 0.975])
    return float(hit.sum() / tried.sum()), float(low), float(high)


def main_table(rows: Sequence[Row]) -> str:
    """How many grasps hold, by planner."""
    titles = ("objects with a grasp", "best grasp holds", "ten best hold", "best holds, of all objects", "median ms")
    lines = [_line("planner", titles), _rule(len(titles))]
    for name in _names(rows):
        own = [row for row in rows if row.method == name]
        cells = [
            share(own, lambda row: bool(row.outcomes), lambda _: 1),
            share(own, lambda row: row.first, lambda row: bool(row.outcomes)),
            share(own, lambda row: row.held, lambda row: len(row.outcomes)),
            share(own, lambda row: row.first, lambda _: 1),
        ]
        time = float(np.nanmedian([row.milliseconds for row in own]))
        lines.append(_line(name, [*map(_percent, cells), f"{time:.0f}"]))
    return "\n".join(lines) + "\n"


def failure_table(rows: Sequence[Row]) -> str:
    """Why those of the ten best fail that do, by planner, as shares of the failures."""
    lines = [_line("planner", [*(outcome.value for outcome in _FAILURES), "failures"]), _rule(len(_FAILURES) + 1)]
    for name in _names(rows):
        failed = [one for row in rows if row.method == name for one in row.outcomes if one is not Outcome.HOLDS]
        cells = [f"{failed.count(reason) / len(failed):.0%}" if failed else "" for reason in _FAILURES]
        lines.append(_line(name, [*cells, str(len(failed))]))
    return "\n".join(lines) + "\n"


def pair_table(rows: Sequence[Row], one: str, graspable: str) -> str:
    """The best grasp of planner `one` beside that of each other, on the objects that `graspable` has a grasp for."""
    able = {row.object for row in rows if row.method == graspable and row.outcomes}
    first = {row.object: row.first for row in rows if row.method == one}
    lines = [_line(f"on {len(able)} objects", ("best grasp holds", f"only {one}", "only the other")), _rule(3)]
    for name in _names(rows):
        own = [row for row in rows if row.method == name and row.object in able]
        pairs = [(first[row.object], row.first) for row in own]
        cells = (_percent(share(own, lambda row: row.first, lambda _: 1)), pairs.count((1, 0)), pairs.count((0, 1)))
        lines.append(_line(name, [str(cell) for cell in cells]))
    return "\n".join(lines) + "\n"


def empty_table(rows: Sequence[Row], graspable: str) -> str:
    """On the objects for which `graspable` has no grasp: how many a planner would try all the same."""
    unable = {row.object for row in rows if row.method == graspable and not row.outcomes}
    lines = [_line(f"on {len(unable)} objects", ("would try", "best grasp holds")), _rule(2)]
    for name in _names(rows):
        own = [row for row in rows if row.method == name and row.object in unable]
        tried = sum(bool(row.outcomes) for row in own)
        lines.append(_line(name, [str(tried), str(sum(row.first for row in own))]))
    return "\n".join(lines) + "\n"


def _names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.method for row in rows))


def _percent(value: tuple[float, float, float]) -> str:
    if np.isnan(value[0]):
        return ""
    return f"{100 * value[0]:.0f} % ({100 * value[1]:.0f} to {100 * value[2]:.0f})"


def _line(first: str, cells: Sequence[str]) -> str:
    return f"| {first} | " + " | ".join(cells) + " |"


def _rule(numbers: int) -> str:
    return "|---" + "|---:" * numbers + "|"
