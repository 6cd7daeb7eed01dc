"""All stages within one budget: shares, steps that fit, what a second call goes on with."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sam3d_ros.training.engine.budget import Budget
from sam3d_ros.training.engine.trainer import Outcome
from sam3d_ros.training.stages import chain
from sam3d_ros.training.stages.chain import LINKS, Link, train_all, unfinished
from sam3d_ros.training.stages.structure_run import RunPlace


@dataclass
class Stage:
    """Makes two steps a second of a hundred, and says what it was asked; finishes if it may."""

    name: str
    finishes: bool = True
    asked: list[tuple[float | None, dict[str, str], Path]] = field(default_factory=list)

    def __call__(self, place, budget, start):
        self.asked.append((budget.left, dict(place.changes), start))
        trial = budget.left is not None and budget.left < 20
        if trial or not self.finishes:
            return Outcome(10, False, 32.0, steps=100, steps_per_second=2.0)
        (place.runs / self.name).mkdir(parents=True, exist_ok=True)
        for file in ("settings.json", "weights.safetensors"):
            (place.runs / self.name / file).touch()
        return Outcome(100, True, 32.0, steps=100, steps_per_second=2.0)


@pytest.fixture
def stages(monkeypatch):
    made = [Stage("a"), Stage("b"), Stage("c")]
    sized = {"c": lambda seconds: {"proposing.views": str(int(seconds))}}
    links = [
        Link(one.name, share, one, after, sized=sized.get(one.name))
        for one, share, after in zip(made, (0.5, 0.25, 0.25), ((), ("a",), ("b",)), strict=True)
    ]
    monkeypatch.setattr(chain, "LINKS", tuple(links))
    return made


def place(runs: Path) -> RunPlace:
    return RunPlace(None, runs / "data", runs, {"run.batch": "8"})


def test_shares_are_of_the_whole_budget():
    assert sum(link.share for link in LINKS) == pytest.approx(1.0)


def test_each_stage_is_tried_and_gets_the_steps_that_fit_into_its_share(tmp_path, stages):
    a, b, c = stages
    outcomes = list(train_all(place(tmp_path), Budget(120.0)))
    assert [(name, outcome.finished) for name, outcome in outcomes] == [("a", True), ("b", True), ("c", True)]
    # Of 60 s a tenth for a trial and three quarters for steps, of which ten are made: 10 + 45 * 2.
    assert a.asked[0][0] == pytest.approx(6.0, abs=0.5)
    assert a.asked[1][0] == pytest.approx(120.0, abs=1.0)
    assert int(a.asked[1][1].get("run.steps", 100)) == pytest.approx(100, abs=2)
    # What is left is shared again by those that are left: 60 s of 120 for b, and so for c all that is left.
    assert b.asked[1][2] == tmp_path / "a"
    assert c.asked == [(pytest.approx(120.0, abs=2.0), {"run.batch": "8", "proposing.views": "119"}, tmp_path / "b")]
    assert unfinished(tmp_path) == []


def test_a_chain_that_was_stopped_goes_on_with_what_it_had_decided(tmp_path, stages):
    stages[0].finishes = False
    outcomes = list(train_all(place(tmp_path), Budget(60.0)))
    assert [name for name, _ in outcomes] == ["a"]
    assert unfinished(tmp_path) == ["a", "b", "c"]
    decided = json.loads((tmp_path / chain.PLAN).read_text())["changes"]["a"]
    assert int(decided["run.steps"]) == pytest.approx(55, abs=2)
    assert int(decided["run.optimiser.warm_up"]) == int(decided["run.steps"]) // 10
    stages[0].finishes, stages[0].asked = True, []
    list(train_all(place(tmp_path), Budget(3600.0)))
    assert [changes for _, changes, _ in stages[0].asked] == [{"run.batch": "8", **decided}]


def test_without_a_budget_every_stage_makes_all_its_steps(tmp_path, stages):
    assert all(outcome.finished for _, outcome in train_all(place(tmp_path), Budget(None)))
    assert [changes for stage in stages for _, changes, _ in stage.asked] == [{"run.batch": "8"}] * 3


def test_stages_without_a_trial_are_sized_by_the_time_that_two_cores_need():
    sft = next(link for link in LINKS if link.name == "sft")
    assert sft.sized(chain.NOMINAL / 2) == {
        "run.steps": "32",
        "run.optimiser.warm_up": "3",
        "proposing.views": "96",
    }
    assert sft.sized(10 * chain.NOMINAL) == {
        "run.steps": "64",
        "run.optimiser.warm_up": "6",
        "proposing.views": "192",
    }
