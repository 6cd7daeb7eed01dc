"""A limit on the time that a run may take."""

from __future__ import annotations

import re
import time

from .errors import TrainingError

_UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds_of(text: str) -> float:
    """Seconds of a duration such as `90s`, `20m`, `2h` or `1h30m`; TrainingError for anything else."""
    parts = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?", text)
    if not text or parts is None:
        raise TrainingError(f"a budget of {text!r}; write it like 90s, 20m, 2h or 1h30m")
    return sum(float(number or 0) * _UNITS[unit] for number, unit in zip(parts.groups(), "hms", strict=True))


class Budget:
    """Wall-clock time from its making on."""

    def __init__(self, seconds: float | None) -> None:
        """None never ends."""
        self.seconds, self._start = seconds, time.monotonic()

    @property
    def left(self) -> float | None:
        """Seconds that are left, 0 at least; None without an end."""
        return None if self.seconds is None else max(0.0, self.seconds - (time.monotonic() - self._start))

    @property
    def spent(self) -> bool:
        """Whether the time is over."""
        return self.left == 0
