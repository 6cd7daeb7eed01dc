"""How many threads the numeric libraries of a worker start."""

from __future__ import annotations

import os

# Read once, when OpenMP, MKL or OpenBLAS are loaded.
_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def thread_limits(threads: int) -> dict[str, str]:
    """Environment variables that a worker needs before it imports anything; what the user has set already stays."""
    return {name: str(threads) for name in _VARIABLES if name not in os.environ}


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))
