"""Distillation and preferences of both networks, at published form and reduced depth, and of one that says the data."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from sam3d_ros.model import SMALL
from sam3d_ros.model.config import SamplerConfig
from sam3d_ros.model.refinement import RefinementNetwork
from sam3d_ros.model.sampling import TIME_SCALE, integrate
from sam3d_ros.model.sparse import Voxels
from sam3d_ros.model.structure import SHAPE, GeometryNetwork, latent_sizes
from sam3d_ros.training.losses import interpolate
from sam3d_ros.training.losses.preference import implicit_accuracy, preference_loss
from sam3d_ros.training.losses.rows import DENSE, VoxelRows
from sam3d_ros.training.losses.shortcut import shortcut_target
from sam3d_ros.training.stages.flows import (
    OwnSteps,
    Pair,
    ShortcutBatch,
    StepSizes,
    geometry_flow,
    own_state,
    preference_errors,
    refinement_flow,
    settle_step_size,
    shortcut_errors,
)

CLEAN = replace(SMALL.geometry, prediction="clean", channels=4)
PLACES = torch.tensor([(0, 0, 0, k) for k in range(6)] + [(1, 0, k, 2) for k in range(4)])
TOKENS = torch.randn(2, 5, 64, generator=torch.Generator().manual_seed(3))
OBJECTS = 2


def draw(sizes: dict[str, tuple[int, ...]], seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(*size, generator=generator) for name, size in sizes.items()}


class Stage1:
    """The geometry network, with a flow of it and latents for it."""

    def __init__(self, config=SMALL.geometry):
        torch.manual_seed(0)
        self.network = GeometryNetwork(config)
        self.sizes = {name: (OBJECTS, *size) for name, size in latent_sizes(config).items()}

    def flow(self, network):
        return geometry_flow(network, TOKENS)


class Stage2:
    """The refinement network, which knows no step size, on the voxels of two objects."""

    def __init__(self):
        torch.manual_seed(0)
        self.network = RefinementNetwork(SMALL.refinement)
        with torch.no_grad():
            self.network.out_layer.weight.mul_(5)  # a fresh one says so little that its steps hardly differ
        self.voxels = Voxels(PLACES)
        self.sizes = {"slat": (len(PLACES), SMALL.refinement.channels)}

    def flow(self, network):
        return refinement_flow(network, TOKENS, self.voxels)


STAGES = [Stage1, Stage2, lambda: Stage1(CLEAN)]
NAMES = ["stage 1", "stage 2", "stage 1 that says the data"]
each_network = pytest.mark.parametrize("stage", STAGES, ids=NAMES)


def descend(network, loss, steps: int = 12, rate: float = 1e-3) -> list[float]:
    optimiser, losses = torch.optim.Adam(network.parameters(), lr=rate), []
    for _ in range(steps):
        value = loss()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        losses.append(value.item())
    return losses


@each_network
def test_distillation_lowers_the_error_of_long_steps_and_leaves_the_teacher_alone(stage):
    made = stage()
    teacher = copy.deepcopy(made.network).requires_grad_(False)
    settle_step_size(made.network)
    before = copy.deepcopy(teacher.state_dict())
    batch = ShortcutBatch(draw(made.sizes, 1), draw(made.sizes, 2), torch.tensor([0.0, 0.5]), torch.tensor([1.0, 0.25]))
    weights = dict.fromkeys(made.sizes, 1.0)

    def loss():
        student, frozen = made.flow(made.network), made.flow(teacher)
        return shortcut_errors(student, frozen, batch, StepSizes(guidance=1.0), weights).mean()

    losses = descend(made.network, loss)
    assert losses[-1] < 0.7 * losses[0]
    assert made.network.d_embedder.mlp[-1].weight.abs().max() > 0
    assert all(torch.equal(before[name], x) for name, x in teacher.state_dict().items())


@each_network
def test_preferences_are_learnt_from_the_loss_of_a_coin_on(stage):
    made = stage()
    reference = copy.deepcopy(made.network).requires_grad_(False)
    pair = Pair(draw(made.sizes, 1), draw(made.sizes, 2), draw(made.sizes, 3), torch.tensor([0.2, 0.7]))
    with torch.no_grad():
        fixed = preference_errors(made.flow(reference), pair)
    losses = descend(
        made.network, lambda: preference_loss(preference_errors(made.flow(made.network), pair), fixed, beta=5.0)
    )
    assert losses[0] == pytest.approx(np.log(2), abs=1e-5)
    assert losses[-1] < 0.6
    with torch.no_grad():
        assert implicit_accuracy(preference_errors(made.flow(made.network), pair), fixed) == 1


@each_network
@torch.no_grad()
def test_a_network_made_ready_for_step_sizes_answers_as_before_under_each(stage):
    made = stage()
    state, t = draw(made.sizes, 1), torch.tensor([0.1, 0.6])
    before = made.flow(made.network).velocity(state, t, torch.zeros(2))
    settle_step_size(made.network)
    for d in (0.0, 0.25, 1.0):
        after = made.flow(made.network).velocity(state, t, torch.full((2,), d))
        for name, x in before.items():
            torch.testing.assert_close(after[name], x, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_of_a_network_that_says_the_data_the_weighted_error_is_that_of_the_data():
    made = Stage1(CLEAN)
    settle_step_size(made.network)
    student, teacher = made.flow(made.network), made.flow(copy.deepcopy(made.network))
    data, noise, t, d = draw(made.sizes, 1), draw(made.sizes, 2), torch.tensor([0.0, 0.5]), torch.tensor([1.0, 0.5])
    errors = shortcut_errors(
        student, teacher, ShortcutBatch(data, noise, t, d), StepSizes(), {**dict.fromkeys(data, 0.0), SHAPE: 1.0}
    )
    state = interpolate(data, noise, t)
    mean = shortcut_target(teacher.teacher(0.0), state, t, d / 4, steps=4)[SHAPE]
    wanted = state[SHAPE] + DENSE.spread(1 - t) * mean
    said = made.network.predict(state, TIME_SCALE * t, made.network.project(TOKENS), TIME_SCALE * d)[SHAPE]
    torch.testing.assert_close(errors, DENSE.means((said - wanted).square()), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_without_a_step_the_error_is_that_of_flow_matching():
    made = Stage1()
    flow, data, noise = made.flow(made.network), draw(made.sizes, 1), draw(made.sizes, 2)
    t, none = torch.tensor([0.0, 0.5]), torch.zeros(2)
    weights = {**dict.fromkeys(data, 0.0), SHAPE: torch.tensor([1.0, 0.0])}
    errors = shortcut_errors(flow, flow, ShortcutBatch(data, noise, t, none), StepSizes(), weights)
    said = flow.velocity(interpolate(data, noise, t), t, none)[SHAPE]
    expected = (said[0] - (data[SHAPE] - noise[SHAPE])[0]).square().mean()
    torch.testing.assert_close(errors, torch.stack([expected, torch.zeros(())]))


def test_steps_begin_where_a_sampler_makes_them_and_end_at_the_data_at_the_latest():
    sizes, rng = StepSizes(), np.random.default_rng(0)
    drawn = np.array([sizes.draw(rng) for _ in range(2000)])
    t, d = drawn[drawn[:, 1] > 0].T
    np.testing.assert_allclose(t / d, np.rint(t / d))
    assert (t + d).max() <= 1
    assert set(d) == {1.0, 0.5, 0.25, 0.125}
    flows = drawn[drawn[:, 1] == 0]
    assert len(flows) / 2000 == pytest.approx(0.25, abs=0.04)
    assert (flows[:, 0] == 0).mean() == pytest.approx(0.3, abs=0.08)


@torch.no_grad()
def test_own_steps_lead_where_a_sampler_goes():
    made = Stage1(CLEAN)
    noise = draw(made.sizes, 2)
    t, d = torch.tensor([0.75, 0.0]), torch.tensor([0.25, 0.5])

    def flow_of(rows):
        return geometry_flow(made.network, TOKENS[rows])

    reached = own_state(flow_of, noise, t, d)
    network = geometry_flow(made.network, TOKENS[:1])

    def three_of_four(state, time, step_size, conditional):
        stopped = float(time) > 700  # the fourth step is not made
        slope = network.field(state, time, step_size, conditional)
        return {name: 0 * x if stopped else x for name, x in slope.items()}

    sampler = SamplerConfig(steps=4, rescale_t=1.0, guidance=0.0, use_step_size=True)
    sampled = integrate(three_of_four, {name: x[:1] for name, x in noise.items()}, sampler)
    for name, x in noise.items():
        torch.testing.assert_close(reached[name][:1], sampled[name], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(reached[name][1:], x[1:])
        assert not torch.equal(reached[name][0], x[0])


def test_of_own_steps_only_some_that_are_told_a_long_size():
    own = OwnSteps(share=0.7, most=4)
    assert own.takes(0.25, 0.6)
    assert own.takes(1.0, 0.6)
    assert not own.takes(0.25, 0.8)  # by chance
    assert not own.takes(0.125, 0.6)  # too short
    assert not own.takes(0.0, 0.0)  # told nothing


def test_objects_on_voxels_have_the_means_that_they_have_as_dense_latents():
    places = torch.tensor([(k // 3, 0, 0, k % 3) for k in range(6)])
    rows, numbers, values = VoxelRows(Voxels(places)), torch.randn(6, 4), torch.tensor([2.0, 5.0])
    torch.testing.assert_close(rows.means(numbers), DENSE.means(numbers.unflatten(0, (2, 3))))
    spread = DENSE.spread(values).expand(-1, 3, -1).flatten(0, 1)
    assert torch.equal(rows.spread(values), spread)
