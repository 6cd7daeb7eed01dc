"""Figures that the diagnostics report: latencies by stage, counts by reason, rates, memory."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path

import numpy as np

_WINDOW = 300


class Statistics:
    """Counts and latencies; written by the callbacks and the worker, read by the diagnostics."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latency_ms: dict[str, deque[float]] = {}
        self._counts: dict[str, Counter[str]] = {}

    def add_latencies(self, latency_ms: Mapping[str, float]) -> None:
        """Note how long each stage took, milliseconds."""
        with self._lock:
            for stage, milliseconds in latency_ms.items():
                self._latency_ms.setdefault(stage, deque(maxlen=_WINDOW)).append(milliseconds)

    def count(self, group: str, reason: str, amount: int = 1) -> None:
        """Add to the count of a reason within a group, such as "dropped" or "rejected"."""
        with self._lock:
            self._counts.setdefault(group, Counter())[reason] += amount

    def counts(self, group: str) -> Counter[str]:
        """Counts by reason since the start, a copy."""
        with self._lock:
            return Counter(self._counts.get(group, {}))

    def percentiles(self) -> dict[str, tuple[float, float]]:
        """Median and 95th percentile of the newest latencies by stage, milliseconds."""
        with self._lock:
            windows = {stage: list(values) for stage, values in self._latency_ms.items()}
        return {stage: percentiles(values) for stage, values in windows.items()}


def percentiles(values: list[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    p50, p95 = np.percentile(values, [50, 95])
    return float(p50), float(p95)


class RateMeter:
    """Rate and age of what arrives, in real time whatever the ROS clock does."""

    def __init__(self) -> None:
        self._arrivals: deque[float] = deque(maxlen=60)
        self.total = 0

    def tick(self) -> None:
        self._arrivals.append(time.monotonic())
        self.total += 1

    @property
    def age(self) -> float:
        """Seconds since the last arrival; infinite before the first."""
        arrivals = self._arrivals
        return time.monotonic() - arrivals[-1] if arrivals else float("inf")

    @property
    def rate(self) -> float:
        """Arrivals per second over the newest ones; zero once they stopped for longer than they took."""
        arrivals = list(self._arrivals)
        if len(arrivals) < 2:
            return 0.0
        span = max(arrivals[-1] - arrivals[0], 1e-6)
        return (len(arrivals) - 1) / span if self.age < max(span, 1.0) else 0.0


def resident_memory_mib() -> float:
    """Memory that this process holds; the largest it ever held where the system has no /proc."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def held_memory_mib(device: str) -> float:
    """Memory that this process holds where the model computes: on a GPU what torch reserved, else the whole process."""
    cuda = cuda_memory_mib() if device.startswith("cuda") else None
    return resident_memory_mib() if cuda is None else cuda


def cuda_memory_mib() -> float | None:
    """CUDA memory that this process reserved through torch; None where torch is not in use or has no CUDA."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return float(torch.cuda.memory_reserved()) / 2**20
