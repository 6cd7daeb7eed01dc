"""What the runs of the later stages share: the stage before, views by kind of scene, figures at the end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..data.arranging import SceneKind
from ..data.reading import ViewReader
from ..engine.budget import Budget
from ..engine.devices import make_fabric, mixed
from ..engine.errors import TrainingError
from ..engine.loading import Sample, Samples
from ..engine.settings import RunSettings
from ..engine.trainer import Outcome, Stage
from .candidates import Candidates, Proposing, TruthJudge, fill, propose, stored
from .conditioned import ConditionedGeometry
from .geometry import GeometrySettings
from .geometry_run import ViewData, view_data
from .results import write_result
from .sampled import Measured, pictures, write_all
from .structure_run import RunPlace

START = "start.json"
STOPPED = Outcome(0, False, 0.0)  # before the first step


@dataclass(frozen=True, slots=True, eq=False)
class Workplace:
    """Processes and data of a run."""

    fabric: Any
    data: ViewData
    kinds: NDArray[np.int64]  # `SceneKind` of each view to train on
    runs: Path
    precision: str

    @classmethod
    def of(cls, place: RunPlace, geometry: GeometrySettings, run: RunSettings) -> Workplace:
        """Raises TrainingError without views."""
        torch.manual_seed(run.seed)
        fabric = make_fabric(run.precision)
        data = view_data(place, geometry, fabric.device)
        kinds = ViewReader(place.data / "views", "train").column("kind").astype(np.int64)
        if len(kinds) != len(data.train):
            raise TrainingError(f"{len(data.train)} prepared targets for {len(kinds)} views; prepare them anew")
        return cls(fabric, data, kinds, place.runs, run.precision)

    def views_of(self, *kinds: SceneKind) -> NDArray[np.int64]:
        """Numbers of the views to train on that show scenes of these kinds. Raises TrainingError if there are none."""
        numbers = np.flatnonzero(np.isin(self.kinds, kinds))
        if not len(numbers):
            raise TrainingError(f"no views of {', '.join(kind.name for kind in kinds)} scenes; make more data")
        return numbers

    def candidates(
        self, folder: Path, objective: ConditionedGeometry, numbers: Sequence[int], proposing: Proposing, budget: Budget
    ) -> Candidates | None:
        """Candidates for these views of the training data, made by the first process; None if the budget ended it."""
        if self.fabric.global_rank == 0:
            objective.to(self.fabric.device)
            about = {"candidates": proposing.candidates, "steps": proposing.steps, "seed": proposing.seed}
            with mixed(self.precision, self.fabric.device):
                views, judge = self.data.train, TruthJudge()
                fill(folder, numbers, about, lambda part: propose(objective, views, part, proposing, judge), budget)
        self.fabric.barrier()
        return Candidates(folder) if stored(folder) else None

    def stage(self, name: str, objective: ConditionedGeometry, samples: Samples, prepare: Any) -> Stage:
        """A stage whose log has pictures of held-out views."""
        held_out = self.data.held_out
        return Stage(name, objective, samples, prepare, lambda module: pictures(module, held_out))

    def leave(self, folder: Path, objective: ConditionedGeometry, settings: GeometrySettings, what: Measured) -> None:
        """Write figures and weights as they are now; the first process alone does."""
        if self.fabric.global_rank != 0:
            return
        write_all(folder, objective, self.data.held_out, what)
        write_result(folder, objective, settings)  # last: it says that the stage is finished


@dataclass(frozen=True, slots=True)
class SomeViews:
    """Some of the samples."""

    samples: Samples
    numbers: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[self.numbers[index]]


def note_start(folder: Path, start: Path) -> None:
    """Remember from which stage a folder's run started. Raises TrainingError where it was another one."""
    folder.mkdir(parents=True, exist_ok=True)
    path, text = folder / START, json.dumps({"from": start.name}) + "\n"
    if not path.exists():
        path.write_text(text, encoding="utf-8")
    elif path.read_text(encoding="utf-8") != text:
        before = json.loads(path.read_text(encoding="utf-8"))["from"]
        raise TrainingError(f"{folder} was started from {before}, not {start.name}; remove it to start anew")
