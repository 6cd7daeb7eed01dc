"""Figures of a run: counts, rates and latencies, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..bags.bag_frames import InputCounts


@dataclass(frozen=True, slots=True)
class Latency:
    """Wall time of a stage over a run, milliseconds."""

    count: int
    p50_ms: float
    p95_ms: float


@dataclass(slots=True)
class RunFigures:
    """What happened in a run; filled as it goes."""

    mode: str = "in-process"
    frames_in: int = 0  # matched sets that were offered
    frames_done: int = 0  # that were answered
    wall_s: float = 0.0
    objects: set[int] = field(default_factory=set)  # ids that were ever alive
    object_answers: int = 0  # masks that were answered with an object
    rejections: Counter[str] = field(default_factory=Counter)  # by reason
    received: dict[str, int] = field(default_factory=dict)  # messages by input
    dropped: Counter[str] = field(default_factory=Counter)  # by reason
    _latency_ms: dict[str, list[float]] = field(default_factory=dict)

    def add_latencies(self, latency_ms: Mapping[str, float]) -> None:
        """Note the milliseconds of some stages."""
        for stage, milliseconds in latency_ms.items():
            self._latency_ms.setdefault(stage, []).append(float(milliseconds))

    def add_counts(self, counts: InputCounts) -> None:
        """Note what of the inputs of a bag came in and found no partners."""
        for role, count in counts.received.items():
            self.received[role] = self.received.get(role, 0) + count
        for role, count in counts.unmatched.items():
            self.dropped[f"{role} without partners"] += count

    @property
    def latencies(self) -> dict[str, Latency]:
        """Median and 95th percentile by stage."""
        return {
            stage: Latency(len(values), *(float(value) for value in np.percentile(values, (50, 95))))
            for stage, values in self._latency_ms.items()
        }

    @property
    def rate_hz(self) -> float:
        """Answered frames per second of wall time."""
        return self.frames_done / self.wall_s if self.wall_s > 0 else 0.0

    def as_json(self) -> dict[str, Any]:
        """Everything, for summary.json."""
        return {
            "mode": self.mode,
            "frames_in": self.frames_in,
            "frames_done": self.frames_done,
            "wall_s": round(self.wall_s, 3),
            "rate_hz": round(self.rate_hz, 3),
            "objects": sorted(self.objects),
            "object_answers": self.object_answers,
            "rejections": dict(self.rejections),
            "received": dict(self.received),
            "dropped": {reason: count for reason, count in self.dropped.items() if count},
            "latency_ms": {stage: asdict(latency) for stage, latency in self.latencies.items()},
        }

    def write(self, path: Path) -> None:
        """Write `as_json` to a file."""
        path.write_text(json.dumps(self.as_json(), indent=1) + "\n", encoding="utf-8")

    def table(self) -> str:
        """The figures as lines of text."""
        rejected = ", ".join(f"{reason} {count}" for reason, count in self.rejections.most_common()) or "none"
        dropped = ", ".join(f"{reason} {count}" for reason, count in self.dropped.items() if count) or "none"
        lines = [
            f"frames     {self.frames_done} of {self.frames_in} answered, {self.wall_s:.1f} s, {self.rate_hz:.1f} Hz",
            f"objects    {len(self.objects)} with their own id, seen {self.object_answers} times",
            f"rejected   {rejected}",
            f"dropped    {dropped}",
        ]
        width = max((len(stage) for stage in self._latency_ms), default=0)
        if width:
            lines.append(f"{'latency'.ljust(max(width + 2, 11))}{'p50 ms':>10}{'p95 ms':>10}{'count':>8}")
        for stage, latency in self.latencies.items():
            name = f"  {stage}".ljust(max(width + 2, 11))
            lines.append(f"{name}{latency.p50_ms:10.1f}{latency.p95_ms:10.1f}{latency.count:8d}")
        return "\n".join(lines)
