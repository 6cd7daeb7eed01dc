"""How threads of torch wait for each other on a CPU: with a processor in hand, or without.

OpenMP's threads turn in a loop while they wait, for milliseconds. On a machine that has nothing else to do this is the
fastest way; where another program wants the same cores, the loop keeps the very thread from running that is waited for.
`bench/bench_busy_cores.py` measures both.
"""

from __future__ import annotations

import os

# Both are read once, when torch loads its OpenMP library; what the user has said already stays.
_SPINS, _POLICY = "GOMP_SPINCOUNT", "OMP_WAIT_POLICY"
_FEW = "1000"  # turns of the loop: some microseconds


def wait_briefly() -> None:
    """Let waiting threads give their core away after microseconds; call before anything imports torch."""
    if _SPINS not in os.environ and _POLICY not in os.environ:
        os.environ[_SPINS] = _FEW
