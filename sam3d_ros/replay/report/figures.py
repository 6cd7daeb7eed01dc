"""What a report counts, over all its runs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..scores.rows import Aggregate, ObjectRow, RejectedRow, aggregate
from ..scores.tracks import TrackRow
from .part import Part


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one stage over all objects or frames that have it."""

    stage: str
    count: int
    p50_ms: float
    p95_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that came to no end."""

    name: str
    error: str


@dataclass(frozen=True)
class Figures:
    """Everything that a report counts, over all its runs."""

    parts: tuple[Part, ...]
    failures: tuple[Failure, ...] = ()

    @property
    def frames(self) -> int:
        """Frames of all runs."""
        return sum(part.frames for part in self.parts)

    @property
    def measured_frames(self) -> int:
        """Frames that were compared with the truth."""
        return sum(part.measured_frames for part in self.parts)

    @property
    def true_objects(self) -> int:
        """True objects with a mask in a measured frame, each time anew."""
        return sum(part.true_objects for part in self.parts)

    @cached_property
    def rows(self) -> tuple[ObjectRow, ...]:
        """Every object of every frame."""
        return tuple(row for part in self.parts for row in part.rows)

    @cached_property
    def rejected(self) -> tuple[RejectedRow, ...]:
        """Every mask without an object."""
        return tuple(row for part in self.parts for row in part.rejected)

    @cached_property
    def tracks(self) -> tuple[TrackRow, ...]:
        """Every object that lived through several frames, the least steady first."""
        rows = [row for part in self.parts for row in part.tracks]
        return tuple(
            sorted(rows, key=lambda row: (row.switches, _known(row.drift_mm), _known(row.jitter_mm)), reverse=True)
        )

    @cached_property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """Mean and median by category and method."""
        return tuple(aggregate(self.rows))

    @cached_property
    def latencies(self) -> tuple[Latency, ...]:
        """Latency by stage: of frames as a whole, of their stages, then of the stages of objects."""
        samples: dict[str, list[float]] = {}
        for part in self.parts:
            for stage, values in part.latency_ms.items():
                samples.setdefault(stage, []).extend(values)
        order = sorted(samples, key=lambda stage: (":" in stage, stage.startswith("object")))
        return tuple(_latency(stage, samples[stage]) for stage in order)

    @property
    def objects(self) -> int:
        """Different objects: ids, not sightings."""
        return sum(len({row.object_id for row in part.rows}) for part in self.parts)

    @property
    def missed(self) -> int:
        """True objects with a mask in a measured frame that did not become objects."""
        return self.true_objects - sum(row.score is not None for row in self.rows)

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Rejection reasons with their count, the most frequent first."""
        return Counter(row.reason for row in self.rejected).most_common()

    @property
    def dropped(self) -> dict[str, int]:
        """Messages and frames of bags that were not answered, by reason."""
        counts: Counter[str] = Counter()
        for part in self.parts:
            counts.update(part.flow.dropped)
        return {reason: count for reason, count in counts.most_common() if count}

    def overall(self, method: str = "result") -> Aggregate | None:
        """Mean and median over all objects whose truth is known."""
        return next((table for table in self.aggregates if (table.group, table.method) == ("all", method)), None)

    def worst_first(self) -> list[ObjectRow]:
        """Objects with the largest error on top: by Chamfer distance or place where known, else by residual."""
        return sorted(self.rows, key=_badness, reverse=True)


def _badness(row: ObjectRow) -> tuple[bool, float]:
    if row.score:
        return True, row.score.centre_mm if math.isnan(row.score.chamfer_mm) else row.score.chamfer_mm
    residual = row.quality.residual_rms
    return False, residual if np.isfinite(residual) else float("inf")


def _known(value: float) -> float:
    return -1.0 if math.isnan(value) else value


def _latency(stage: str, values: Sequence[float]) -> Latency:
    p50, p95 = (float(value) for value in np.quantile(values, [0.5, 0.95]))
    return Latency(stage, len(values), p50, p95, max(values))
