"""The published forms of both networks, at reduced depth, through the engine: distilled, and taught preferences."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from later_rig import RUN

from sam3d_ros.model import SMALL
from sam3d_ros.model.refinement import RefinementNetwork
from sam3d_ros.model.structure import GeometryNetwork, latent_sizes
from sam3d_ros.training.engine.settings import OptimiserSettings
from sam3d_ros.training.engine.trainer import Stage, Trainer
from sam3d_ros.training.stages.flows import FlowDistillation, FlowPreference, StepSizes, recompute_blocks
from sam3d_ros.training.stages.flows.modules import bound, latents

pytest.importorskip("lightning_fabric", reason="training needs the extra `train`")
pytest.importorskip("tensorboard", reason="training needs the extra `train`")

STEEP = OptimiserSettings(rate=2e-3, warm_up=1, average=0.9)


@dataclass(frozen=True)
class Objects:
    """One condition each, with latents that were chosen and rejected; of stage 2 on as many voxels as they have."""

    stage: int
    count: int = 4

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        sample = {"tokens": rng.standard_normal((5, 64), np.float32)}
        if self.stage == 1:
            sizes = latent_sizes(SMALL.geometry)
        else:
            voxels = 4 + index
            sample["coords"] = np.array([(1, 2, k) for k in range(voxels)], np.int32)
            sizes = {"slat": (voxels, SMALL.refinement.channels)}
        for prefix in ("data_", "chosen_", "rejected_"):
            sample |= {prefix + name: rng.standard_normal(size, np.float32) for name, size in sizes.items()}
        return sample


@dataclass(frozen=True)
class Prepare:
    """Noise of the latents, and the time and size of a step."""

    sizes: StepSizes

    def __call__(self, sample, rng, progress):
        t, d = self.sizes.draw(rng)
        noise = {
            name.replace("data_", "noise_"): rng.standard_normal(x.shape, np.float32)
            for name, x in sample.items() if name.startswith("data_")
        }  # fmt: skip
        return {**sample, **noise, "time": np.float32(t), "step_size": np.float32(d)}


def network(stage: int):
    torch.manual_seed(0)
    made = GeometryNetwork(SMALL.geometry) if stage == 1 else RefinementNetwork(SMALL.refinement)
    if stage == 2:
        with torch.no_grad():
            made.out_layer.weight.mul_(5)  # a fresh one says so little that its steps hardly differ
    return made


def losses(objective, stage: int, folder) -> list[dict[str, float]]:
    from sam3d_ros.training.engine.devices import make_fabric

    # Objects of stage 2 have voxels of their own: they come one by one, and accumulate to a batch.
    run = replace(RUN, steps=15, batch=4, accumulate=1 if stage == 1 else 4, log_every=1, optimiser=STEEP)
    prepare = Prepare(StepSizes(steps=(1,), flow=0.0))
    trainer = Trainer(Stage("flow", objective, Objects(stage), prepare), run, folder, make_fabric("32-true"))
    assert trainer.run().finished
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("stage", [1, 2])
def test_distillation_of_published_forms_lowers_the_loss(tmp_path, stage):
    net = network(stage)
    weights = dict.fromkeys(latent_sizes(SMALL.geometry) if stage == 1 else ["slat"], 1.0)
    logged = losses(FlowDistillation(net, StepSizes(guidance=1.0), weights), stage, tmp_path)
    early, late = (np.mean([line["loss"] for line in lines]) for lines in (logged[:4], logged[-4:]))
    assert late < 0.9 * early
    assert net.d_embedder is not None


@pytest.mark.parametrize("stage", [1, 2])
def test_preferences_of_published_forms_are_learnt(tmp_path, stage):
    logged = losses(FlowPreference(network(stage), beta=20.0), stage, tmp_path)
    assert logged[0]["preference"] == pytest.approx(np.log(2), abs=1e-4)
    assert logged[-1]["preference"] < 0.5
    assert logged[-1]["accuracy"] == 1
    assert logged[-1]["loss"] == pytest.approx(logged[-1]["preference"])


def gradients_and_memory(net, batch) -> tuple[dict[str, torch.Tensor], int]:
    kept = {}

    def keep(x):
        kept[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    t = torch.tensor([0.3])
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        answer = bound(net, batch).velocity(latents(batch, "data_"), t, t)
    sum(x.square().sum() for x in answer.values()).backward()
    return {name: p.grad for name, p in net.named_parameters() if p.grad is not None}, sum(kept.values())


@pytest.mark.parametrize("stage", [1, 2])
def test_blocks_that_are_computed_again_keep_less_and_have_the_same_gradients(stage):
    batch = torch.utils.data.default_collate([Objects(stage)[1]])
    plain, again = network(stage), network(stage)
    recompute_blocks(again)
    (expected, whole), (found, less) = (gradients_and_memory(net, batch) for net in (plain, again))
    assert expected.keys() == found.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-5)
    assert less < 0.8 * whole
