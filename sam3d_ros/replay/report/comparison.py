"""Two reports side by side: what changed, figure by figure, over the objects that both have."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..scores.figure_terms import TERMS, TRACK_TERMS, FigureTerm

_SAME = 1e-9  # relative; what differs by less is the same


class ReportError(ValueError):
    """A report that cannot be compared: the message names the file, what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class ComparedReport:
    """What a comparison needs of a report."""

    path: Path
    title: str
    scores: Mapping[tuple[str, int], Mapping[str, float]]  # by frame and label, of the objects whose truth is known
    tracks: Mapping[tuple[str, str], Mapping[str, float]]  # by run and name, of those followed that alone have it


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """One figure over the objects for which both reports know it."""

    term: FigureTerm
    count: int
    mean_a: float
    mean_b: float
    median_a: float
    median_b: float
    better: float  # 0-1, share of the objects that got better from a to b
    worse: float  # 0-1

    @property
    def difference(self) -> float:
        """Change of the mean from a to b."""
        return self.mean_b - self.mean_a


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two reports and what changed from the first to the second."""

    a: ComparedReport
    b: ComparedReport
    figures: tuple[ComparedFigure, ...]

    @property
    def shared(self) -> list[tuple[str, int]]:
        """Frame and label of the objects that both have."""
        return [key for key in self.a.scores if key in self.b.scores]

    @property
    def only_a(self) -> list[tuple[str, int]]:
        return [key for key in self.a.scores if key not in self.b.scores]

    @property
    def only_b(self) -> list[tuple[str, int]]:
        return [key for key in self.b.scores if key not in self.a.scores]


def read_report(place: Path) -> ComparedReport:
    """A `report.json`, or the one in an output folder; raises ReportError where it is none."""
    path = place / "report.json" if place.is_dir() else place
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ReportError(f"{path}: no such file; give a report.json or the output folder of evaluate") from error
    except (ValueError, OSError) as error:
        raise ReportError(f"{path}: not valid JSON ({error}); write the report again") from error
    objects = data.get("objects") if isinstance(data, dict) else None
    if not isinstance(objects, list):
        raise ReportError(f"{path}: objects must be a list; this is no report of sam3d-ros evaluate")
    scores = dict(_scored(path, position, entry) for position, entry in enumerate(objects) if _is_scored(entry))
    return ComparedReport(path, str(data.get("title", "")), scores, _tracks(data.get("tracks", [])))


def compare_reports(a: ComparedReport, b: ComparedReport) -> Comparison:
    """Pair the objects by frame and label, those followed by run and name; raises ReportError where none pair."""
    objects = [(a.scores[key], b.scores[key]) for key in a.scores if key in b.scores]
    followed = [(a.tracks[key], b.tracks[key]) for key in a.tracks if key in b.tracks]
    if not objects and not followed:
        raise ReportError(
            f"{a.path} and {b.path} share no object with known truth and none that was followed; "
            "evaluate the same frames or bags twice"
        )
    figures = [
        *(_compared(term, objects) for term in TERMS),
        *(_compared(term, followed) for term in TRACK_TERMS),
    ]
    return Comparison(a, b, tuple(figure for figure in figures if figure.count))


def _tracks(entries: Any) -> dict[tuple[str, str], dict[str, float]]:
    """Ids differ from run to run; a name says which object it is where no other one has it."""
    named = [entry for entry in entries if isinstance(entry, dict) and entry.get("name")]
    keys = [(str(entry.get("run")), str(entry["name"])) for entry in named]
    return {key: _numbers(entry) for key, entry in zip(keys, named, strict=True) if keys.count(key) == 1}


def _numbers(entry: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in entry.items() if isinstance(value, int | float)}


def _is_scored(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("score") is not None


def _scored(path: Path, position: int, entry: Mapping[str, Any]) -> tuple[tuple[str, int], dict[str, float]]:
    frame, label, score = entry.get("frame"), entry.get("id"), entry["score"]
    if not isinstance(frame, str) or not isinstance(label, int) or not isinstance(score, dict):
        raise ReportError(f"{path}: object {position}: needs frame, id and score, got {frame!r}, {label!r}, {score!r}")
    return (frame, label), _numbers(score)


def _compared(term: FigureTerm, pairs: Sequence[tuple[Mapping[str, float], Mapping[str, float]]]) -> ComparedFigure:
    known = [(a[term.name], b[term.name]) for a, b in pairs if term.name in a and term.name in b]
    if not known:
        return ComparedFigure(term, 0, *[math.nan] * 6)
    values = np.array(known)
    gains = [term.loss(a) - term.loss(b) if not math.isclose(a, b, rel_tol=_SAME) else 0.0 for a, b in known]
    means, medians = values.mean(axis=0), np.median(values, axis=0)
    return ComparedFigure(
        term=term,
        count=len(known),
        mean_a=float(means[0]),
        mean_b=float(means[1]),
        median_a=float(medians[0]),
        median_b=float(medians[1]),
        better=float(np.mean(np.array(gains) > 0)),
        worse=float(np.mean(np.array(gains) < 0)),
    )
