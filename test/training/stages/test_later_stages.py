"""Fine-tuning, preferences and distillation from a finished geometry on: runs, interruptions, what is handed on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from later_rig import RUN, SETTINGS, StopsAfter, workplace
from torch.utils.data import default_collate

from sam3d_ros.model.config import SamplerConfig
from sam3d_ros.model.structure import SHAPE, latent_sizes
from sam3d_ros.training.engine.budget import Budget
from sam3d_ros.training.engine.errors import TrainingError
from sam3d_ros.training.engine.positions import rng_at
from sam3d_ros.training.engine.settings import OptimiserSettings, read_settings
from sam3d_ros.training.stages.candidates import CHOSEN, REJECTED, Proposing
from sam3d_ros.training.stages.conditioned import ConditionedGeometry, load_geometry, settings_of_start
from sam3d_ros.training.stages.distill import DistillSettings, FewStepObjective, PrepareFewSteps
from sam3d_ros.training.stages.distill_run import distill
from sam3d_ros.training.stages.dpo import DpoSettings, PreferenceObjective, PreparePair
from sam3d_ros.training.stages.dpo_run import dpo_pairs, found_candidates
from sam3d_ros.training.stages.fields import truth_fields
from sam3d_ros.training.stages.flows import OwnSteps, StepSizes
from sam3d_ros.training.stages.kinds_run import MidtrainSettings, PretrainSettings
from sam3d_ros.training.stages.sft import SftSettings
from sam3d_ros.training.stages.sft_run import sft_rounds

pytest.importorskip("lightning_fabric", reason="training needs the extra `train`")
pytest.importorskip("tensorboard", reason="training needs the extra `train`")

FEW = Proposing(views=4, candidates=3, steps=2)
SFT = SftSettings(run=RUN, proposing=FEW, thresholds=(0.0, 0.1))
DPO = DpoSettings(run=RUN, proposing=FEW, margin=0.0)
DISTILL = DistillSettings(run=replace(RUN, seed=7))
SIZES = latent_sizes(SETTINGS.geometry)


def test_the_stages_go_on_from_each_other_and_leave_weights_and_figures(tmp_path):
    work = workplace(tmp_path)
    assert sft_rounds(work, SFT, Budget(None), tmp_path / "geometry").finished
    assert len(found_candidates(tmp_path / "sft")) == 2
    assert dpo_pairs(work, DPO, Budget(None), tmp_path / "sft").finished
    assert not (tmp_path / "dpo" / "candidates").exists()
    assert distill(work, DISTILL, Budget(None), tmp_path / "dpo").finished
    for stage, steps in (("sft", (1, 4, 25)), ("dpo", (1, 4, 25)), ("distill", (1, 2, 4, 25))):
        for name in [f"{n}-steps" for n in steps] + ["best-of-8"]:
            figures = json.loads((tmp_path / stage / f"{name}-figures.json").read_text())
            assert (figures["stage"], figures["objects"]) == (stage, 3)
        load_geometry(tmp_path / stage, tmp_path, ConditionedGeometry)
    runs = {stage: settings_of_start(tmp_path / stage).run for stage in ("sft", "dpo", "distill")}
    assert {stage: (run.steps, run.seed) for stage, run in runs.items()} == {
        "sft": (8, 0),
        "dpo": (4, 0),
        "distill": (4, 7),
    }
    logged = [json.loads(line) for line in (tmp_path / "dpo" / "log.jsonl").read_text().splitlines()]
    assert 0 <= logged[-1]["accuracy"] <= 1
    assert logged[-1]["loss"] == pytest.approx(sum(logged[-1][name] for name in ("preference", "anchor", "held")))


@pytest.mark.parametrize(
    ("stage", "settings", "weights"),
    [(sft_rounds, SFT, "sft/round-2"), (dpo_pairs, DPO, "dpo"), (distill, DISTILL, "distill")],
    ids=["sft", "dpo", "distill"],
)
def test_a_run_that_is_stopped_ends_where_one_that_is_not_does(tmp_path, monkeypatch, stage, settings, weights):
    monkeypatch.setattr("sam3d_ros.training.stages.workplace.write_all", lambda *_: None)
    for name in ("whole", "pieces"):
        work, budgets = workplace(tmp_path / name), [Budget(None)]
        if name == "pieces":
            budgets = [StopsAfter(0), StopsAfter(3), Budget(None)]
        outcomes = [stage(work, settings, budget, work.runs / "geometry").finished for budget in budgets]
        assert outcomes == [False] * (len(budgets) - 1) + [True]
    whole, pieces = (
        load_geometry(tmp_path / name / weights, tmp_path / name, ConditionedGeometry).state_dict()
        for name in ("whole", "pieces")
    )
    for name, x in whole.items():
        torch.testing.assert_close(pieces[name], x, atol=0, rtol=0)


def test_a_stage_refuses_to_go_on_from_another_start(tmp_path):
    work = workplace(tmp_path)
    distill(work, DISTILL, StopsAfter(1), tmp_path / "geometry")
    with pytest.raises(TrainingError, match="was started from geometry, not sft"):
        distill(work, DISTILL, Budget(None), tmp_path / "sft")
    with pytest.raises(TrainingError, match="sft: no finished stage"):
        dpo_pairs(work, DPO, Budget(None), tmp_path / "sft")


def descend(objective, batch, rate: float = 2e-3, steps: int = 15) -> list[dict[str, float]]:
    optimiser = torch.optim.Adam([p for p in objective.parameters() if p.requires_grad], lr=rate)
    history = []
    for _ in range(steps):
        terms = objective(batch)
        optimiser.zero_grad()
        torch.stack([x for x in terms.values() if x.requires_grad]).sum().backward()
        optimiser.step()
        history.append({name: float(x.detach()) for name, x in terms.items()})
    return history


def regression(objective, batch) -> torch.Tensor:
    return objective.sample(batch, SamplerConfig(steps=1, rescale_t=1.0, guidance=0.0))[SHAPE]


def test_preferences_are_learnt_while_the_regression_stays(tmp_path):
    work, changed = workplace(tmp_path), {}
    prepare = PreparePair(SIZES, 0.1)
    for held in (0.0, 100.0):
        objective = load_geometry(tmp_path / "geometry", tmp_path, PreferenceObjective)
        objective.begin(replace(DPO, beta=20.0, held=held))
        batch = default_collate([prepare(work.data.train[k], rng_at(0, k), 0.0) for k in range(4)])
        latent = torch.randn(2, 4, *SIZES[SHAPE], generator=torch.Generator().manual_seed(0))
        batch |= {CHOSEN: latent[0], REJECTED: latent[1]}
        before = regression(objective, batch)
        history = descend(objective, batch)
        assert history[-1]["preference"] < history[0]["preference"] == pytest.approx(0.6931, abs=1e-3)
        assert history[-1]["accuracy"] == 1
        changed[held] = float((regression(objective, batch) - before).square().mean())
    assert changed[100.0] < 0.3 * changed[0.0]


def test_an_anchor_holds_on_to_the_chosen(tmp_path):
    work, gain = workplace(tmp_path), {}
    prepare = PreparePair(SIZES, 0.1)
    for anchor in (0.0, 4.0):
        objective = load_geometry(tmp_path / "geometry", tmp_path, PreferenceObjective)
        objective.begin(replace(DPO, beta=20.0, anchor=anchor, held=0.0))
        batch = default_collate([prepare(work.data.train[k], rng_at(0, k), 0.0) for k in range(4)])
        latent = torch.randn(2, 4, *SIZES[SHAPE], generator=torch.Generator().manual_seed(0))
        batch |= {CHOSEN: latent[0], REJECTED: latent[1]}
        gain[anchor] = descend(objective, batch)[-1]["chosen_gain"]
    assert gain[4.0] > max(gain[0.0], 0.0)


def few_steps(tmp_path, sizes, own):
    """A start that looks at the time, told to distill so, and a batch."""
    work = workplace(tmp_path)
    objective = load_geometry(tmp_path / "geometry", tmp_path, FewStepObjective)
    with torch.no_grad():  # a fresh network hardly looks at the time: its flow would be straight from the start
        objective.geometry.t_embedder.mlp[-1].weight.mul_(20)
    objective.begin(replace(DISTILL, sizes=sizes, own=own))
    prepare = PrepareFewSteps(SIZES, sizes, own)
    return objective, default_collate([prepare(work.data.train[k], rng_at(0, k), 0.0) for k in range(4)])


def test_distillation_brings_long_steps_to_the_teacher(tmp_path):
    objective, batch = few_steps(tmp_path, StepSizes(flow=0.0, steps=(1, 2)), OwnSteps(share=0.0))
    before = [parameter.clone() for part in objective._teacher[0] for parameter in part.parameters()]
    history = descend(objective, batch)
    assert history[-1]["shortcut"] < 0.7 * history[0]["shortcut"]
    assert all(step["own"] == step["flow"] == step["decoded_dice"] == 0 for step in history)
    after = [parameter for part in objective._teacher[0] for parameter in part.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_own_steps_come_nearer_to_the_truth(tmp_path):
    objective, batch = few_steps(tmp_path, StepSizes(flow=0.0, steps=(4,)), OwnSteps(share=1.0))
    sampler = SamplerConfig(steps=4, rescale_t=1.0, guidance=0.0, use_step_size=True)
    truth = objective.structure.latent(truth_fields(batch))

    def error():
        return float((objective.sample(batch, sampler)[SHAPE] - truth).square().mean())

    before = error()
    history = descend(objective, batch)
    assert history[-1]["own"] < 0.7 * history[0]["own"]
    assert history[-1]["decoded_distance"] < history[0]["decoded_distance"]
    assert all(step["shortcut"] == step["flow"] == 0 for step in history)
    assert error() < 0.8 * before


def test_a_tuned_run_moves_towards_what_was_chosen(tmp_path):
    work = workplace(tmp_path)
    run = replace(RUN, steps=12, optimiser=OptimiserSettings(rate=2e-3, warm_up=1))
    settings = replace(SFT, run=run, thresholds=(0.0,))
    sft_rounds(work, settings, StopsAfter(1000), tmp_path / "geometry")
    lines = (tmp_path / "sft" / "round-1" / "log.jsonl").read_text().splitlines()
    losses = [json.loads(line)[SHAPE] for line in lines]
    assert losses[-1] < 0.9 * losses[0]


def test_thresholds_do_not_fall():
    with pytest.raises(TrainingError, match="none below the one before"):
        SftSettings(thresholds=(0.6, 0.5))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pretrain", PretrainSettings),
        ("midtrain", MidtrainSettings),
        ("sft", SftSettings),
        ("dpo", DpoSettings),
        ("distill", DistillSettings),
    ],
)
def test_the_files_hold_the_defaults(name, kind):
    path = Path(__file__).resolve().parents[3] / "config" / "training" / f"{name}.yaml"
    assert read_settings(path, kind) == kind()
