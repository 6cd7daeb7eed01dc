"""The Euler sampler on fields whose solution is known, and against loops written out."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from seeded import seeded, with_seeded_weights
from small_sizes import GEOMETRY

from sam3d_ros.model.config import STAGE1_DISTILLED, STAGE1_SAMPLER, STAGE2_FEW_STEPS, STAGE2_SAMPLER, SamplerConfig
from sam3d_ros.model.sampling import draw_latents, guidance_at, integrate, time_grid
from sam3d_ros.model.structure import SHAPE, GeometryNetwork, geometry_velocity, latent_sizes

PUBLISHED_GRID = [
    0, 0.01370, 0.02817, 0.04348, 0.05970, 0.07692, 0.09524, 0.11475, 0.13559, 0.15789, 0.18182, 0.20755, 0.23529,
    0.26531, 0.29787, 0.33333, 0.37209, 0.41463, 0.46154, 0.51351, 0.57143, 0.63636, 0.70968, 0.79310, 0.88889, 1,
]  # fmt: skip


class Recorder:
    """A field of constant slope that notes with what it was called."""

    def __init__(self, slope: float = 1.0) -> None:
        self.slope, self.calls = slope, []

    def __call__(self, state, time, step_size, conditional):
        self.calls.append((float(time), float(step_size), conditional))
        return {name: torch.full_like(x, self.slope if conditional else -self.slope) for name, x in state.items()}


def test_the_time_grid_of_stage_1_is_fine_near_the_noise():
    """Trap 9: t = u / (1 + (r - 1)(1 - u))."""
    assert time_grid(25, 3.0) == pytest.approx(PUBLISHED_GRID, abs=5e-6)


def test_the_time_grid_of_stage_2_is_even():
    """Trap 10."""
    assert time_grid(STAGE2_SAMPLER.steps, STAGE2_SAMPLER.rescale_t) == pytest.approx([i / 25 for i in range(26)])


def test_the_distilled_grid_keeps_the_rescaling_while_the_network_is_told_even_steps():
    """Trap 44."""
    assert time_grid(4, STAGE1_DISTILLED.rescale_t) == pytest.approx([0, 0.1, 0.25, 0.5, 1])
    field = Recorder()
    integrate(field, {"x": torch.zeros(1)}, STAGE1_DISTILLED)
    assert [(time, step) for time, step, _ in field.calls] == [(0, 250), (100, 250), (250, 250), (500, 250)]


@pytest.mark.parametrize(("steps", "rescale", "word"), [(0, 3.0, "0 sampling steps"), (4, 0.0, "rescale_t 0")])
def test_grids_without_steps_or_with_a_rescale_of_zero_are_refused(steps, rescale, word):
    with pytest.raises(ValueError, match=word):
        time_grid(steps, rescale)


@pytest.mark.parametrize(
    ("config", "guided", "passes"),
    [(STAGE1_SAMPLER, 19, 44), (STAGE2_SAMPLER, 13, 38), (replace(STAGE2_SAMPLER, steps=12), 7, 19),
     (STAGE1_DISTILLED, 0, 4), (STAGE2_FEW_STEPS, 0, 4)],
)  # fmt: skip
def test_each_sampler_makes_its_number_of_network_passes(config, guided, passes):
    """Traps 9 and 10: 25 steps, of which those with 1000 t in [0, 500] are guided."""
    field = Recorder()
    integrate(field, {"x": torch.zeros(1)}, config)
    assert (sum(not conditional for *_, conditional in field.calls), len(field.calls)) == (guided, passes)
    assert all(time <= 500 for time, _, conditional in field.calls if not conditional)


def test_both_ends_of_the_guided_interval_are_guided():
    assert [guidance_at(t, STAGE1_SAMPLER) for t in (0.0, 0.5, 0.5000001)] == [7, 7, 0]


def test_guidance_is_one_plus_s_times_the_conditional_minus_s_times_the_other_for_every_latent():
    """Trap 9: the pose latents too."""

    def field(state, time, step_size, conditional):
        return {
            "shape": torch.tensor([1.0 if conditional else 0.5]),
            "scale": torch.tensor([2.0 if conditional else 3]),
        }

    config = SamplerConfig(steps=1, guidance=7.0)
    answer = integrate(field, {"shape": torch.zeros(1), "scale": torch.zeros(1)}, config)
    assert answer["shape"].item() == 8 * 1 - 7 * 0.5
    assert answer["scale"].item() == 8 * 2 - 7 * 3


def test_ordinary_sampling_tells_the_network_a_step_size_of_zero():
    """Trap 3."""
    field = Recorder()
    integrate(field, {"x": torch.zeros(1)}, STAGE1_SAMPLER)
    assert {step for _, step, _ in field.calls} == {0.0}


def test_the_conditional_pass_of_a_step_comes_first():
    field = Recorder()
    integrate(field, {"x": torch.zeros(1)}, SamplerConfig(steps=1))
    assert [conditional for *_, conditional in field.calls] == [True, False]


def test_a_straight_flow_from_noise_to_data_arrives_at_the_data_in_any_number_of_steps():
    """Trap 9: t = 0 is noise, t = 1 is data, and the steps sum up to 1."""
    noise, data = seeded("noise", 2, 3), seeded("data", 2, 3)
    for config in (STAGE1_SAMPLER, STAGE1_DISTILLED, STAGE2_SAMPLER):
        answer = integrate(lambda *_: {"x": data - noise}, {"x": noise}, replace(config, guidance=0.0))
        torch.testing.assert_close(answer["x"], data)


def test_eulers_error_on_a_decaying_flow_halves_with_half_the_step():
    errors = []
    for steps in (50, 100):
        config = SamplerConfig(steps=steps, rescale_t=1.0, guidance=0.0)
        answer = integrate(lambda state, *_: {"x": -state["x"]}, {"x": torch.ones(1)}, config)
        errors.append(abs(answer["x"].item() - torch.tensor(-1.0).exp().item()))
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.05)


def test_the_state_is_float32_whatever_the_velocity_and_the_noise_are():
    answer = integrate(lambda *_: {"x": torch.ones(3).half()}, {"x": torch.zeros(3).half()}, STAGE2_FEW_STEPS)
    assert answer["x"].dtype == torch.float32


def test_sampling_keeps_no_graph_of_its_steps():
    weight = torch.ones(1, requires_grad=True)
    answer = integrate(lambda state, *_: {"x": weight * state["x"]}, {"x": torch.ones(1)}, STAGE2_FEW_STEPS)
    assert not answer["x"].requires_grad


def test_the_noise_is_left_as_it_was():
    noise = torch.zeros(3)
    integrate(Recorder(), {"x": noise}, STAGE2_FEW_STEPS)
    assert not noise.any()


def test_progress_hears_of_each_step_and_cancelling_stops_before_the_next():
    done = []

    def cancelled():
        if len(done) == 2:
            raise InterruptedError

    field = Recorder()
    with pytest.raises(InterruptedError):
        integrate(
            field, {"x": torch.zeros(1)}, STAGE2_FEW_STEPS, progress=lambda *x: done.append(x), cancelled=cancelled
        )
    assert done == [(1, 4), (2, 4)]
    assert len(field.calls) == 2


@pytest.mark.parametrize("config", [STAGE1_SAMPLER, STAGE1_DISTILLED])
def test_sampling_with_all_savings_equals_the_loop_without_any(config):
    """Savings: keys and values once for all steps, the collapsed unconditional pass, the shape stream alone."""
    network = with_seeded_weights(GeometryNetwork(GEOMETRY)).requires_grad_(False)
    tokens = seeded("condition", 1, 9, GEOMETRY.condition_width)
    noise = draw_latents(latent_sizes(GEOMETRY), [torch.Generator().manual_seed(0)])
    plain, grid = noise, time_grid(config.steps, config.rescale_t)
    told = torch.tensor([1000 / config.steps if config.use_step_size else 0.0])
    for t, after in pairwise(grid):
        time = torch.tensor([1000 * t])
        v = network(plain, time, network.project(tokens), told)
        if config.guidance and t <= 0.5:
            u = network(plain, time, network.project(tokens * 0), told)
            v = {name: (1 + config.guidance) * v[name] - config.guidance * u[name] for name in v}
        plain = {name: x + v[name] * (after - t) for name, x in plain.items()}
    answer = integrate(geometry_velocity(network, network.project(tokens)), noise, config)
    alone = geometry_velocity(network, network.project(tokens, layout=False))
    shape = integrate(alone, {SHAPE: noise[SHAPE]}, config)[SHAPE]
    for name, expected in plain.items():
        # Guidance multiplies rounding by up to 15 at each of 19 steps.
        assert (answer[name] - expected).abs().max() < 1e-4 * expected.abs().max(), name
    assert (shape - answer[SHAPE]).abs().max() < 1e-4 * shape.abs().max()
