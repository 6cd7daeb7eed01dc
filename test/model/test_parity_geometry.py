"""Stage 1 against the original (see `golden`): velocities of the network, and whole chains from given noise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from cases import GEOMETRY_TIMES, geometry_condition, geometry_latents
from golden import golden, golden_part, relative_error
from seeded import with_seeded_weights
from small_sizes import GEOMETRY

from sam3d_ros.model.config import STAGE1_DISTILLED, STAGE1_SAMPLER
from sam3d_ros.model.layers import sinusoidal_positions
from sam3d_ros.model.sampling import integrate, time_grid
from sam3d_ros.model.structure import GeometryNetwork, geometry_velocity, latent_sizes

LIMIT, CHAIN_LIMIT = 1e-4, 1e-3
CHAINS = {
    "guided": STAGE1_SAMPLER,
    "distilled": STAGE1_DISTILLED,
    "uniform": replace(STAGE1_DISTILLED, rescale_t=1.0),
}


@pytest.fixture(scope="module")
def network():
    return with_seeded_weights(GeometryNetwork(GEOMETRY))


def assert_latents_agree(ours, theirs, limit):
    assert set(ours) == set(latent_sizes(GEOMETRY))
    for name, value in ours.items():
        assert relative_error(value, theirs[name]) < limit, name


@pytest.mark.parametrize(("name", "time", "step_size"), GEOMETRY_TIMES, ids=lambda value: str(value))
@torch.no_grad()
def test_velocities_of_both_streams_are_those_of_the_original(network, name, time, step_size):
    told = None if step_size is None else torch.tensor([step_size])
    ours = network(geometry_latents(1), torch.tensor([time]), network.project(geometry_condition(1)), told)
    assert_latents_agree(ours, golden_part("geometry", name), LIMIT)


@torch.no_grad()
def test_a_condition_of_zeros_collapsed_to_one_answer_gives_the_original_s_unconditional_velocities(network):
    ours = network(geometry_latents(1), torch.tensor([137.5]), None, torch.tensor([0.0]))
    assert_latents_agree(ours, golden_part("geometry", "unconditional"), LIMIT)


@torch.no_grad()
def test_a_step_size_of_zero_is_embedded_while_none_is_not():
    theirs = golden("geometry")
    assert relative_error(theirs["step_0.shape"], theirs["no_step.shape"]) > 0.01


@torch.no_grad()
def test_a_batch_of_two_with_times_of_their_own_gives_the_original_s_velocities(network):
    condition = network.project(geometry_condition(2))
    ours = network(geometry_latents(2), torch.tensor([20.0, 950.0]), condition, torch.tensor([0.0, 250.0]))
    assert_latents_agree(ours, golden_part("geometry", "batch"), LIMIT)


@pytest.mark.parametrize("name", CHAINS)
@torch.no_grad()
def test_chains_end_where_the_original_s_end(network, name):
    velocity = geometry_velocity(network, network.project(geometry_condition(1)))
    ours = integrate(velocity, geometry_latents(1), CHAINS[name])
    assert_latents_agree(ours, golden_part("geometry_chains", name), CHAIN_LIMIT)


@pytest.mark.parametrize("name", CHAINS)
def test_time_grids_are_those_of_the_original(name):
    ours = torch.tensor(time_grid(CHAINS[name].steps, CHAINS[name].rescale_t), dtype=torch.float64)
    torch.testing.assert_close(ours, golden_part("geometry_chains", name)["grid"], atol=1e-15, rtol=0)


def test_positions_of_the_shape_tokens_are_those_of_the_original():
    axis = torch.arange(GEOMETRY.grid)
    cells = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).reshape(-1, 3)
    ours = sinusoidal_positions(cells, GEOMETRY.width)
    assert relative_error(ours, golden("geometry")["sinusoid"]) < 1e-6
    fresh = GeometryNetwork(GEOMETRY).latent_mapping["shape"].pos_emb
    assert torch.equal(ours, fresh)
