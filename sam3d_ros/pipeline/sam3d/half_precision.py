"""Whether this machine multiplies matrices of bfloat16 in hardware; without that float32 is quicker on a CPU."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

_UNITS = frozenset({"avx512_bf16", "amx_bf16"})  # as Linux calls them
_CPUINFO = Path("/proc/cpuinfo")


@lru_cache(maxsize=1)
def cpu_has_bfloat16(cpuinfo: Path = _CPUINFO) -> bool:
    """Whether the flags of the first processor say so; False where they cannot be read."""
    try:
        with cpuinfo.open(encoding="utf-8", errors="replace") as lines:
            flags = next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        return False
    return bool(_UNITS & set(flags.split()))
