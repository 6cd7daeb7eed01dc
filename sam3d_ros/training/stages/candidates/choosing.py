"""What is made of candidates: targets that were chosen, and pairs of a chosen and a rejected one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engine.errors import TrainingError
from ...engine.loading import Sample, Samples
from .storing import Candidates

TARGET, CHOSEN, REJECTED = "target_shape", "chosen_shape", "rejected_shape"  # [tokens, channels] in a sample
HAS_TARGET = "has_target"


@dataclass(frozen=True, slots=True)
class ChosenViews:
    """Views with the candidate that was chosen for them; where none was good enough, the truth is the target."""

    views: Samples
    candidates: Candidates
    rows: tuple[int, ...]  # of `candidates`
    threshold: float

    @classmethod
    def of(cls, views: Samples, candidates: Candidates, threshold: float, *, unsolved: bool) -> ChosenViews:
        """With the views that no candidate solves only if `unsolved`. Raises TrainingError if none is left."""
        best = candidates.column("score").max(axis=1)
        rows = tuple(np.flatnonzero((best >= threshold) | unsolved).tolist())
        if not rows:
            raise TrainingError(f"no candidate reaches the threshold {threshold}; the best is {best.max():.3f}")
        return cls(views, candidates, rows, threshold)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        row = self.rows[index]
        scores = self.candidates.column("score")[row]
        best = int(scores.argmax())
        view = self.views[int(self.candidates.column("view")[row])]
        chosen = np.float32(scores[best] >= self.threshold)
        return {**view, TARGET: self.candidates.latent(row, best), HAS_TARGET: chosen}


@dataclass(frozen=True, slots=True)
class Pairs:
    """Views with the best and the worst of their candidates, where they differ enough."""

    views: Samples
    candidates: tuple[Candidates, ...]
    rows: tuple[tuple[int, int], ...]  # which of `candidates`, and its row

    @classmethod
    def of(cls, views: Samples, candidates: tuple[Candidates, ...], margin: float) -> Pairs:
        """Raises TrainingError if no two candidates of a view differ by the margin."""
        rows = []
        for number, own in enumerate(candidates):
            differing = np.flatnonzero(np.ptp(own.column("score"), axis=1) >= margin)
            rows += [(number, int(row)) for row in differing]
        if not rows:
            raise TrainingError(f"no candidates of a view differ by a margin of {margin}; lower it, or propose more")
        return cls(views, candidates, tuple(rows))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        number, row = self.rows[index]
        own = self.candidates[number]
        scores = own.column("score")[row]
        latents = {CHOSEN: own.latent(row, int(scores.argmax())), REJECTED: own.latent(row, int(scores.argmin()))}
        return {**self.views[int(own.column("view")[row])], **latents}
