"""Symmetries of an object as BOP's `models_info.json` writes them, in a unit of length that the caller says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...geometry import SE3, TransformError
from ...geometry.symmetries import SymmetryAxis, discretised_symmetries
from ..frames.image_files import FrameFolderError
from ..frames.json_files import numbers_of

DISCRETE, CONTINUOUS = "symmetries_discrete", "symmetries_continuous"


@dataclass(frozen=True, slots=True, eq=False)
class Symmetries:
    """Turns and axes of the object frame, metres, that show no difference."""

    turns: tuple[SE3, ...] = ()
    axes: tuple[SymmetryAxis, ...] = ()

    def discretised(self) -> tuple[SE3, ...]:
        """All of them, the identity first; axes are cut as the BOP challenge does."""
        return discretised_symmetries(self.turns, self.axes)

    def entry(self) -> dict[str, Any]:
        """The keys that `read_symmetries` reads, in metres; those without a value are left out."""
        turns = [turn.as_matrix().reshape(-1).tolist() for turn in self.turns]
        axes = [{"axis": axis.direction.tolist(), "offset": axis.point.tolist()} for axis in self.axes]
        return {key: values for key, values in ((DISCRETE, turns), (CONTINUOUS, axes)) if values}


def read_symmetries(where: str, entry: dict[str, Any], unit_m: float) -> Symmetries:
    """`symmetries_discrete` (4x4, row by row) and `symmetries_continuous` (axis, offset) of an object.

    `where` begins the error. Raises FrameFolderError for what is no symmetry.
    """
    try:
        return Symmetries(
            tuple(_turn(where, value, unit_m) for value in _list(where, entry, DISCRETE)),
            tuple(_axis(where, value, unit_m) for value in _list(where, entry, CONTINUOUS)),
        )
    except TransformError as error:
        raise FrameFolderError(f"{where}: not a symmetry ({error})") from error


def _list(where: str, entry: dict[str, Any], key: str) -> Iterator[Any]:
    values = entry.get(key, [])
    if not isinstance(values, list):
        raise FrameFolderError(f"{where}: {key} must be a list, got {values!r}")
    yield from values


def _turn(where: str, value: Any, unit_m: float) -> SE3:
    matrix = numbers_of(where, {DISCRETE: value}, DISCRETE, 16).reshape(4, 4)
    matrix[:3, 3] *= unit_m
    return SE3.from_matrix(matrix)


def _axis(where: str, value: Any, unit_m: float) -> SymmetryAxis:
    where = f"{where}: {CONTINUOUS}"
    return SymmetryAxis(numbers_of(where, value, "axis", 3), unit_m * numbers_of(where, value, "offset", 3))
