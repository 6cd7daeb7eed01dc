"""The loop that all stages share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .average import Average
from .budget import Budget
from .checkpoint import load_checkpoint, random_states, restore_random_states, save_checkpoint
from .devices import mixed
from .loading import Positioned, Prepare, Samples, parts
from .log import RunLog
from .optimiser import make_optimiser, rate_at, set_rate
from .positions import Share
from .settings import RunSettings

# Weighted terms of a loss, which is their sum; what comes without a gradient is a figure, logged and not minimised.
Terms = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One objective and its data."""

    name: str
    objective: nn.Module  # batch of tensors -> Terms
    samples: Samples
    prepare: Prepare
    pictures: Callable[[nn.Module], Mapping[str, Tensor]] | None = None  # of the averaged objective, [3, H, W] each


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a run came."""

    step: int
    finished: bool
    samples_per_second: float
    steps: int = 0  # of the whole run
    steps_per_second: float = 0.0


class Trainer:
    """Trains one stage in a folder of its own; made anew, it goes on where the last checkpoint was."""

    def __init__(self, stage: Stage, settings: RunSettings, folder: Path, fabric: Any) -> None:
        """Raises TrainingError for a checkpoint that cannot be read and for a batch that cannot be shared."""
        self.stage, self.settings, self.folder, self.fabric = stage, settings, folder, fabric
        self.share = Share(settings.batch, fabric.global_rank, fabric.world_size, settings.accumulate)
        folder.mkdir(parents=True, exist_ok=True)
        self.step, self._minimised = 0, set[str]()
        self.objective = stage.objective.to(fabric.device)
        optimiser = make_optimiser(self.objective, settings.optimiser)
        self.average = Average(self.objective, settings.optimiser.average)
        if settings.compiled:
            self.objective.compile()
        self.wrapped, self.optimiser = fabric.setup(self.objective, optimiser)
        self._resume()

    def run(self, budget: Budget | None = None) -> Outcome:
        """Train until the steps are done or the budget is spent, and save."""
        budget = budget or Budget(None)
        first, start, saved = self.step, time.monotonic(), time.monotonic()
        log = self._log()
        batches = self._batches()
        torch.set_flush_denormal(True)  # numbers that near zero slow a CPU down a hundredfold
        try:
            while self.step < self.settings.steps and not self._ends(budget):
                self._one_step(batches, log)
                if time.monotonic() - saved > self.settings.save_every:
                    self.save()
                    saved = time.monotonic()
        finally:
            torch.set_flush_denormal(False)  # without such numbers SciPy's trees, of which figures are made, never end
            if log is not None:
                log.close()
        self.save()
        seconds = max(time.monotonic() - start, 1e-9)
        speed = (self.step - first) / seconds
        steps = self.settings.steps
        return Outcome(self.step, self.step >= steps, speed * self.settings.batch, steps, speed)

    def save(self) -> None:
        """Write a checkpoint; the first process alone does."""
        if self.fabric.global_rank == 0:
            save_checkpoint(self.folder, self.state())
        self.fabric.barrier()

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "stage": self.stage.name,
            "step": self.step,
            "objective": self.objective.state_dict(),
            "average": self.average.weights,
            "optimiser": self.optimiser.state_dict(),
            "random": random_states(),
        }

    def _resume(self) -> None:
        content = load_checkpoint(self.folder)
        if content is None:
            return
        self.step = content["step"]
        self.objective.load_state_dict(content["objective"])
        self.average.load(content["average"])
        self.optimiser.load_state_dict(content["optimiser"])
        restore_random_states(content["random"])

    def _log(self) -> RunLog | None:
        if self.fabric.global_rank != 0:
            return None
        return RunLog(self.folder, steps=self.settings.steps, first=self.step, name=self.stage.name)

    def _batches(self) -> Iterator[dict[str, Tensor]]:
        settings = self.settings
        positions = settings.steps * settings.batch
        data = Positioned(self.stage.samples, self.stage.prepare, seed=settings.seed, positions=positions)
        steps = (self.step, settings.steps)
        pinned = self.fabric.device.type == "cuda"
        return parts(data, self.share, steps, workers=settings.workers, pinned=pinned)

    def _ends(self, budget: Budget) -> bool:
        """Whether any process finds the budget spent, so that all stop at the same step."""
        if self.fabric.world_size == 1:
            return budget.spent
        spent = torch.tensor(float(budget.spent), device=self.fabric.device)
        return bool(self.fabric.all_reduce(spent, reduce_op="sum") > 0)

    def _one_step(self, batches: Iterator[dict[str, Tensor]], log: RunLog | None) -> None:
        set_rate(self.optimiser, rate_at(self.step, self.settings.steps, self.settings.optimiser))
        terms = self._gradients(batches)
        norm = self.fabric.clip_gradients(
            self.objective, self.optimiser, max_norm=self.settings.optimiser.clip, error_if_nonfinite=False
        )
        if torch.isfinite(norm):  # a step along no direction would leave nothing to go on with
            self.optimiser.step()
            self.average.update(self.objective, self.step)
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self._report(log, terms, norm)

    def _gradients(self, batches: Iterator[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Gradients of all parts of a step; the terms are means over this process's parts."""
        totals: dict[str, Tensor] = {}
        for number in range(self.share.accumulate):
            batch = {name: x.to(self.fabric.device, non_blocking=True) for name, x in next(batches).items()}
            last = number == self.share.accumulate - 1
            with self.fabric.no_backward_sync(self.wrapped, enabled=not last):
                with mixed(self.settings.precision, self.fabric.device):
                    terms = self.wrapped(batch)
                loss = torch.stack([x for x in terms.values() if x.requires_grad]).sum() / self.share.accumulate
                self._minimised = {name for name, x in terms.items() if x.requires_grad}
                self.fabric.backward(loss)
            for name, term in terms.items():
                totals[name] = totals.get(name, 0.0) + term.detach() / self.share.accumulate
        return totals

    def _report(self, log: RunLog | None, terms: Mapping[str, Tensor], norm: Tensor) -> None:
        if log is not None:
            log.step()
        if self.step % self.settings.log_every == 0 or self.step == self.settings.steps:
            means = self.fabric.all_reduce(torch.stack(list(terms.values())), reduce_op="mean")
            values = dict(zip(terms, means.tolist(), strict=True))
            loss = sum(value for name, value in values.items() if name in self._minimised)
            values |= {"loss": loss, "gradient_norm": float(norm), "rate": self._rate()}
            if log is not None:
                log.scalars(self.step, values)
        if log is not None and self.stage.pictures is not None and self.step % self.settings.picture_every == 0:
            with self.average.applied(self.objective):
                log.pictures(self.step, self.stage.pictures(self.objective))

    def _rate(self) -> float:
        return float(self.optimiser.param_groups[0]["lr"])
