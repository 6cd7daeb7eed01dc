"""Stage 2 against the original (see `golden`): velocities of the network on 150 voxels, and chains from given noise."""

from __future__ import annotations

import pytest
import torch
from cases import refinement_condition, refinement_noise
from golden import golden, relative_error
from seeded import seeded_voxels, with_seeded_weights
from small_sizes import REFINEMENT, REFINEMENT_DISTILLED

from sam3d_ros.model.config import STAGE2_FEW_STEPS, STAGE2_SAMPLER
from sam3d_ros.model.refinement import RefinementNetwork, refinement_velocity
from sam3d_ros.model.sampling import integrate, time_grid
from sam3d_ros.model.sparse import SparseTensor, Voxels

VOXELS = 150
TIMES = (0.0, 333.3, 1000.0)
LIMIT, CHAIN_LIMIT = 1e-4, 1e-3


@pytest.fixture(scope="module")
def voxels():
    return Voxels(seeded_voxels("refinement.coords", REFINEMENT.resolution, VOXELS))


@pytest.fixture(scope="module")
def network():
    return with_seeded_weights(RefinementNetwork(REFINEMENT))


@pytest.fixture(scope="module")
def theirs():
    return golden("refinement")


@pytest.mark.parametrize("time", TIMES)
@torch.no_grad()
def test_velocities_are_those_of_the_original(network, voxels, theirs, time):
    x = SparseTensor(voxels, refinement_noise(VOXELS)[0])
    ours = network(x, torch.tensor([time]), network.project(refinement_condition(1)))
    assert relative_error(ours.features, theirs[f"plain.{time:g}"]) < LIMIT


@pytest.mark.parametrize("time", TIMES)
@torch.no_grad()
def test_a_distilled_network_is_told_its_step_size_as_the_original_is(voxels, theirs, time):
    network = with_seeded_weights(RefinementNetwork(REFINEMENT_DISTILLED))
    x = SparseTensor(voxels, refinement_noise(VOXELS)[0])
    ours = network(x, torch.tensor([time]), network.project(refinement_condition(1)), torch.tensor([250.0]))
    assert relative_error(ours.features, theirs[f"distilled.{time:g}"]) < LIMIT


@torch.no_grad()
def test_a_condition_of_zeros_collapsed_to_one_answer_gives_the_original_s_unconditional_velocity(
    network, voxels, theirs
):
    x = SparseTensor(voxels, refinement_noise(VOXELS)[0])
    ours = network(x, torch.tensor([333.3]), None)
    assert relative_error(ours.features, theirs["unconditional"]) < LIMIT


@pytest.mark.parametrize(("name", "config"), [("guided", STAGE2_SAMPLER), ("few_steps", STAGE2_FEW_STEPS)])
@torch.no_grad()
def test_chains_end_where_the_original_s_end(network, voxels, theirs, name, config):
    velocity = refinement_velocity(network, network.project(refinement_condition(1)), voxels)
    ours = integrate(velocity, {"slat": refinement_noise(VOXELS)[0]}, config)
    assert relative_error(ours["slat"], theirs[name]) < CHAIN_LIMIT


def test_the_time_grid_is_that_of_the_original_within_its_single_precision(theirs):
    ours = torch.tensor(time_grid(STAGE2_SAMPLER.steps, STAGE2_SAMPLER.rescale_t))
    torch.testing.assert_close(ours, theirs["grid"], atol=1e-7, rtol=0)


@torch.no_grad()
def test_an_object_in_a_batch_gets_what_the_original_gives_it_alone(network, voxels, theirs):
    others = seeded_voxels("refinement.others", REFINEMENT.resolution, 40)
    others[:, 0] = 1
    both = Voxels(torch.cat([voxels.coords, others]))
    x = SparseTensor(both, torch.cat([refinement_noise(VOXELS)[0], refinement_noise(40, salt="other.")[0]]))
    # The stream of a name begins alike for any number of rows: the first object has the condition of the golden run.
    ours = network(x, torch.tensor([333.3]), network.project(refinement_condition(2)))
    assert relative_error(ours.features[:VOXELS], theirs["plain.333.3"]) < LIMIT
