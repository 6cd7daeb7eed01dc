"""The loop: what it learns, and that interruptions change nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training_shapes import Drawn, Shapes

from sam3d_ros.model.config import StructureDecoderConfig
from sam3d_ros.training.engine.budget import Budget
from sam3d_ros.training.engine.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from sam3d_ros.training.engine.devices import make_fabric
from sam3d_ros.training.engine.errors import TrainingError
from sam3d_ros.training.engine.settings import OptimiserSettings, RunSettings
from sam3d_ros.training.engine.trainer import Stage, Trainer
from sam3d_ros.training.stages.structure import StructureObjective, StructureSettings

pytest.importorskip("lightning_fabric", reason="training needs the extra `train`")
pytest.importorskip("tensorboard", reason="training needs the extra `train`")

DECODER = StructureDecoderConfig(channels=4, widths=(8, 8), res_blocks=1, middle_blocks=1, signed_distance=True)
SETTINGS = StructureSettings(
    # In bfloat16 the parts of a batch would differ from the whole by its rounding.
    run=RunSettings(
        steps=6, batch=4, workers=0, log_every=2, precision="32-true", optimiser=OptimiserSettings(warm_up=2)
    ),
    encoder_stem=2,
    encoder_widths=(8,),
    decoder=replace(DECODER, shuffled_output=False),
)


def stage(samples: int = 6) -> Stage:
    torch.manual_seed(0)
    objective = StructureObjective(SETTINGS)
    return Stage("structure", objective, Shapes(samples), Drawn(tokens=512, channels=4))


def trainer(folder, run: RunSettings = SETTINGS.run, samples: int = 6) -> Trainer:
    from sam3d_ros.training.engine.devices import make_fabric

    return Trainer(stage(samples), run, folder, make_fabric("32-true"))


def weights(run: Trainer) -> dict[str, torch.Tensor]:
    return {name: x.clone() for name, x in run.objective.state_dict().items()}


def logged(folder) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def assert_same(a, b, **tolerance):
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name], b[name], **(tolerance or {"atol": 0, "rtol": 0}))


def test_one_batch_is_learnt_by_heart_and_every_parameter_gets_a_gradient(tmp_path):
    settings = replace(SETTINGS.run, steps=40, optimiser=OptimiserSettings(rate=5e-3, warm_up=1))
    run = trainer(tmp_path, settings, samples=4)
    before = weights(run)
    assert run.run().finished
    losses = [line["loss"] for line in logged(tmp_path)]
    assert losses[-1] < 0.6 * losses[0]
    trained = dict(run.objective.named_parameters())
    assert [name for name in trained if torch.equal(before[name], trained[name])] == []


def test_a_run_that_was_interrupted_ends_where_an_uninterrupted_one_does(tmp_path):
    whole = trainer(tmp_path / "whole")
    whole.run()
    first = trainer(tmp_path / "pieces")
    assert not first.run(StopsAfter([False, False, True])).finished
    second = trainer(tmp_path / "pieces")
    assert second.step == 2
    assert second.run().finished
    assert_same(weights(second), weights(whole))
    assert_same(second.average.weights, whole.average.weights)


class StopsAfter(Budget):
    """Spent when its script says so."""

    def __init__(self, script):
        super().__init__(None)
        self.script = iter(script)

    @property
    def spent(self):
        return next(self.script)


def test_parts_of_a_batch_give_the_step_of_the_whole(tmp_path):
    whole, parts = trainer(tmp_path / "a"), trainer(tmp_path / "b", replace(SETTINGS.run, accumulate=2))
    whole.run()
    parts.run()
    assert_same(weights(parts), weights(whole), atol=2e-5, rtol=1e-4)


def test_mixed_precision_rounds_products_and_no_input(tmp_path):
    seen = {}

    class Objective(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 4)

        def forward(self, batch):
            product = self.layer(batch["noise"][:, 0])
            seen.update(noise=batch["noise"].dtype, product=product.dtype)
            return {"loss": product.float().square().mean()}

    run = replace(SETTINGS.run, steps=1, precision="bf16-mixed")
    made = Stage("any", Objective(), Shapes(6), Drawn(tokens=512, channels=4))
    Trainer(made, run, tmp_path, make_fabric("bf16-mixed")).run()
    assert seen == {"noise": torch.float32, "product": torch.bfloat16}


def test_worker_processes_change_nothing(tmp_path):
    alone, helped = trainer(tmp_path / "a"), trainer(tmp_path / "b", replace(SETTINGS.run, workers=1))
    alone.run()
    helped.run()
    assert_same(weights(helped), weights(alone))


def test_a_write_that_dies_leaves_the_checkpoint_before_whole(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, {"step": 1})

    def dies(content, file):
        file.write(b"half of a checkpo")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", dies)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path, {"step": 2})
    assert load_checkpoint(tmp_path) == {"step": 1}


def test_what_is_no_checkpoint_is_refused_by_its_path(tmp_path):
    assert load_checkpoint(tmp_path) is None
    (tmp_path / CHECKPOINT).write_bytes(b"nothing of the kind")
    with pytest.raises(TrainingError, match=f"{CHECKPOINT}: no checkpoint"):
        load_checkpoint(tmp_path)


def test_a_step_without_a_finite_gradient_is_left_out(tmp_path):
    run = trainer(tmp_path, replace(SETTINGS.run, steps=1))
    before = weights(run)
    run.stage.objective.weights = replace(run.stage.objective.weights, dice=float("nan"))
    run.run()
    assert_same(weights(run), before)


@pytest.mark.slow
def test_two_processes_give_the_loss_of_one(tmp_path):
    script = Path(__file__).with_name("train_in_processes.py")
    for processes in (1, 2):
        command = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        subprocess.run(
            [sys.executable, *command, str(script), str(tmp_path / str(processes))],
            check=True, capture_output=True, timeout=240,
        )  # fmt: skip
    one, two = (logged(tmp_path / str(processes)) for processes in (1, 2))
    assert [line["step"] for line in one] == [line["step"] for line in two]
    for a, b in zip(one, two, strict=True):
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-4)
        assert b["gradient_norm"] == pytest.approx(a["gradient_norm"], rel=1e-3)
