"""Who says how good a candidate is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..measure import Grid, surface_points

_ASKED = 1500  # points of a surface whose distances are measured: enough to rank candidates
_NEAR = 1.0  # voxels


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Fields [R, R, R] of a shape in its cube."""

    occupancy: Grid  # above 0: occupied
    distance: Grid  # negative inside


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What a judge is shown: the candidates for one view."""

    view: int  # its number among the views of the split
    candidates: tuple[Shape, ...]
    truth: Shape | None  # where the scene is known


@dataclass(frozen=True, slots=True)
class Verdict:
    """How good a candidate is, and why."""

    score: float  # 0-1; thresholds and margins are in its units
    iou: float
    f_score: float
    chamfer: float  # voxels


class Judge(Protocol):
    """Scores the candidates of a view; a judge may be a person, who is asked view by view."""

    def __call__(self, question: Question, /) -> tuple[Verdict, ...]:
        """A verdict for each candidate, in their order."""


class TruthJudge:
    """Compares with the truth of the scene: the mean of IoU and of the F-score within one voxel."""

    def __call__(self, question: Question, /) -> tuple[Verdict, ...]:
        """Raises ValueError for a view whose truth is not known."""
        if question.truth is None:
            raise ValueError(f"view {question.view} comes without its truth; ask another judge")
        truth = _Surface.of(question.truth)
        return tuple(_verdict(_Surface.of(candidate), truth) for candidate in question.candidates)


def columns(verdicts: list[tuple[Verdict, ...]]) -> dict[str, NDArray[np.float32]]:
    """Fields of verdicts as arrays [views, candidates]."""
    rows = [[asdict(verdict) for verdict in row] for row in verdicts]
    return {name: np.array([[one[name] for one in row] for row in rows], np.float32) for name in asdict(verdicts[0][0])}


@dataclass(frozen=True, slots=True, eq=False)
class _Surface:
    occupied: NDArray[np.bool_]
    points: NDArray[np.float32]  # [N, 3] voxels
    tree: cKDTree | None  # None without a surface

    @classmethod
    def of(cls, shape: Shape) -> _Surface:
        points = surface_points(np.asarray(shape.distance))
        return cls(np.asarray(shape.occupancy) > 0, points, cKDTree(points) if len(points) else None)

    def distances_to(self, other: _Surface) -> NDArray[np.float64]:
        """From some points of this surface to the other; as far as the cube is wide where one of them is missing."""
        if self.tree is None or other.tree is None:
            return np.array([float(len(self.occupied))])
        found: NDArray[np.float64] = other.tree.query(self.points[:: 1 + len(self.points) // _ASKED])[0]
        return found


def _verdict(candidate: _Surface, truth: _Surface) -> Verdict:
    a, b = candidate.occupied, truth.occupied
    iou = float((a & b).sum() / max((a | b).sum(), 1))
    there, back = candidate.distances_to(truth), truth.distances_to(candidate)
    precision, recall = float((there < _NEAR).mean()), float((back < _NEAR).mean())
    f_score = 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
    return Verdict((iou + f_score) / 2, iou, f_score, float(there.mean() + back.mean()) / 2)
