"""Several answers to one mask, from different seeds, of which the one that agrees best with depth and mask counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..backend import Progress, ProgressCallback
from ..result import Reconstruction, Rejection


def progress_of(number: int, count: int, progress: ProgressCallback) -> ProgressCallback:
    """What candidate `number` of `count` reports, as progress of the whole; only the first one's coarse answer."""
    if count == 1:
        return progress

    def report(said: Progress) -> None:
        percent = (100.0 * number + said.percent) / count
        progress(replace(said, percent=percent, coarse=said.coarse if number == 0 else None))

    return report


def best_of(answers: Sequence[Reconstruction | Rejection]) -> Reconstruction | Rejection:
    """The reconstruction with the highest score (`Quality.score`), with the time of all; else the first rejection."""
    found = [answer for answer in answers if isinstance(answer, Reconstruction)]
    if len(answers) == 1 or not found:
        return answers[0]
    best = max(found, key=lambda answer: float(np.nan_to_num(answer.quality.score)))
    stages = dict.fromkeys(stage for answer in found for stage in answer.latency_ms)
    return replace(best, latency_ms={name: sum(a.latency_ms.get(name, 0.0) for a in found) for name in stages})
