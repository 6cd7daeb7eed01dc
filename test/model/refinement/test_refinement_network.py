"""The refinement network against a slow one, alone and in batches."""

from __future__ import annotations

import copy

import pytest
import torch
from dense_reference import objects_of, some_voxels
from plain_reference import refinement
from seeded import seeded, with_seeded_weights
from torch import nn

from sam3d_ros.model.config import RefinementConfig, SamplerConfig
from sam3d_ros.model.layers import KeysValues
from sam3d_ros.model.refinement import RefinementNetwork, refinement_velocity
from sam3d_ros.model.sampling import integrate
from sam3d_ros.model.sparse import SubmanifoldConvolution

CONFIG = RefinementConfig(resolution=8, width=32, condition_width=24, depth=2, heads=4, io_width=16)
DISTILLED = RefinementConfig(resolution=8, width=32, condition_width=24, depth=2, heads=4, io_width=16, step_size=True)
TIME = torch.tensor([333.3])


@pytest.fixture(scope="module")
def network():
    return with_seeded_weights(RefinementNetwork(CONFIG)).requires_grad_(False)


def tokens(objects=1):
    return seeded("tokens", objects, 9, CONFIG.condition_width)


def condition_of(condition, index):
    """The condition of one object of a batch."""
    return tuple(KeysValues(k[index : index + 1], v[index : index + 1]) for k, v in condition)


def test_velocities_are_those_of_the_slow_network(network):
    x = some_voxels(8, (60,))
    ours = network(x, TIME, network.project(tokens()))
    theirs = refinement(network.state_dict(), x, float(TIME), (tokens()[0], CONFIG.heads))
    torch.testing.assert_close(ours.features, theirs, rtol=1e-4, atol=1e-5)


def test_residual_blocks_read_scale_before_shift(network):
    block = copy.deepcopy(network.input_blocks[0])
    nn.init.zeros_(block.emb_layers[1].weight)
    bias = block.emb_layers[1].bias
    seen = []
    block.conv2.register_forward_pre_hook(lambda _, given: seen.append(given[0].features))
    for scale, shift in ((-1.0, 0.0), (-1.0, 2.0), (0.0, 0.0)):
        bias.copy_(torch.cat([torch.full((16,), scale), torch.full((16,), shift)]))
        block(some_voxels(16), torch.zeros(1, 32))
    silu_of_two = nn.functional.silu(torch.tensor(2.0)).expand_as(seen[1])
    assert torch.equal(seen[0], torch.zeros_like(seen[0]))
    torch.testing.assert_close(seen[1], silu_of_two)
    assert seen[2].abs().max() > 0.1


def test_skips_are_joined_before_the_upsampling_and_in_reverse_order(network):
    given = []
    handles = [block.register_forward_pre_hook(lambda _, args: given.append(args[0])) for block in network.out_blocks]
    outputs = []
    handles += [block.register_forward_hook(lambda *args: outputs.append(args[2])) for block in network.input_blocks]
    x = some_voxels(8, (60,))
    network(x, TIME, None)
    for handle in handles:
        handle.remove()
    first, second = outputs
    assert torch.equal(given[0].features[:, CONFIG.width :], second.features[x.voxels.halved[1]])
    assert torch.equal(given[1].features[:, CONFIG.io_width :], first.features)


def test_a_condition_of_none_is_one_of_zeros(network):
    x = some_voxels(8, (60, 40))
    zeros = network(x, TIME, network.project(torch.zeros(2, 9, CONFIG.condition_width)))
    torch.testing.assert_close(network(x, TIME, None).features, zeros.features)


@pytest.mark.parametrize("conditional", [True, False])
def test_a_batch_of_objects_gives_what_each_gives_alone(network, conditional):
    x, times = some_voxels(8, (60, 1, 100)), torch.tensor([100.0, 900.0, 500.0])
    condition = network.project(tokens(3)) if conditional else None
    together = network(x, times, condition)
    alone = [
        network(part, times[i : i + 1], condition and condition_of(condition, i)).features
        for i, part in enumerate(objects_of(x))
    ]
    torch.testing.assert_close(together.features, torch.cat(alone), rtol=1e-4, atol=1e-5)


def test_one_time_serves_all_objects(network):
    x = some_voxels(8, (60, 40))
    both = network(x, TIME.expand(2), None)
    torch.testing.assert_close(network(x, TIME, None).features, both.features)


def test_the_order_of_an_objects_voxels_does_not_matter(network):
    x = some_voxels(8, (60,))
    order = torch.randperm(60, generator=torch.Generator().manual_seed(5))
    shuffled = type(x).of(x.coords[order], x.features[order])
    condition = network.project(tokens())
    straight = network(x, TIME, condition).features
    torch.testing.assert_close(network(shuffled, TIME, condition).features, straight[order], rtol=1e-4, atol=1e-5)


def test_keys_and_values_of_the_condition_are_computed_once_for_all_steps(network):
    calls = []
    handles = [block.cross_attn.to_kv.register_forward_hook(lambda *_: calls.append(1)) for block in network.blocks]
    velocity = refinement_velocity(network, network.project(tokens()), some_voxels(8).voxels)
    for time in (0.0, 500.0):
        velocity({"slat": seeded("noise", 40, 8)}, torch.tensor([time]), torch.zeros(1), True)
        velocity({"slat": seeded("noise", 40, 8)}, torch.tensor([time]), torch.zeros(1), False)
    for handle in handles:
        handle.remove()
    assert len(calls) == CONFIG.depth


def test_a_step_size_is_refused_where_there_is_no_embedding_of_it(network):
    with pytest.raises(ValueError, match="not distilled"):
        network(some_voxels(8), TIME, None, torch.tensor([250.0]))


def test_a_distilled_network_adds_the_embedding_of_a_step_size_of_zero_too():
    network, x = with_seeded_weights(RefinementNetwork(DISTILLED)).requires_grad_(False), some_voxels(8)
    untold, zero, quarter = (
        network(x, TIME, None, None if size is None else torch.tensor([size])).features for size in (None, 0.0, 250.0)
    )
    assert (untold - zero).abs().max() > 1e-3
    assert (quarter - zero).abs().max() > 1e-3


def test_a_condition_of_another_number_of_objects_is_refused(network):
    with pytest.raises(ValueError, match="condition of 2 objects for voxels of 1"):
        network(some_voxels(8), TIME, network.project(tokens(2)))


def test_feed_forward_parts_use_the_tanh_form_of_gelu(network):
    x = seeded("mlp", 5, CONFIG.width)
    mlp = network.blocks[0].mlp
    hidden = nn.functional.gelu(mlp.mlp[0](x), approximate="tanh")
    assert torch.equal(mlp(x), mlp.mlp[2](hidden))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gives_nearly_the_same_float32_velocity(network, dtype):
    half = copy.deepcopy(network)
    half.to_compute_dtype(dtype)
    x = some_voxels(8, (60, 30))
    answer = half(x, TIME, half.project(tokens(2))).features
    exact = network(x, TIME, network.project(tokens(2))).features
    assert half.compute_dtype == dtype
    assert answer.dtype == torch.float32
    assert (answer - exact).abs().max() < 30 * torch.finfo(dtype).eps * exact.abs().max()


def test_in_half_precision_norms_gains_embeddings_and_end_layers_stay_float32():
    network = RefinementNetwork(CONFIG)
    network.to_compute_dtype(torch.float16)
    islands = ("t_embedder", "input_layer", "out_layer")
    for key, weight in network.state_dict().items():
        island = key.startswith(islands) or "norm" in key
        assert weight.dtype == (torch.float32 if island else torch.float16), key


def test_gradients_reach_every_weight():
    network = with_seeded_weights(RefinementNetwork(DISTILLED))
    x = some_voxels(8, (30, 20))
    network(x, TIME, network.project(tokens(2)), torch.tensor([250.0])).features.square().sum().backward()
    still = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []


def test_all_convolutions_of_a_resolution_share_one_list_of_neighbours(network, monkeypatch):
    found = []
    from sam3d_ros.model.sparse import voxels as module

    search = module.find_neighbours
    monkeypatch.setattr(module, "find_neighbours", lambda coords: found.append(len(coords)) or search(coords))
    x = some_voxels(8, (60,))
    network(x, TIME, None)
    network(x, TIME, None)
    assert found == [60, len(x.voxels.halved[0])]
    assert sum(isinstance(part, SubmanifoldConvolution) for part in network.modules()) == 8


CLEAN = RefinementConfig(
    resolution=8, width=32, condition_width=24, depth=1, heads=4, io_width=16, prediction="clean", voxel_features=5
)


def test_one_step_from_noise_is_what_a_network_that_says_clean_answers():
    network = with_seeded_weights(RefinementNetwork(CLEAN)).requires_grad_(False)
    x, condition = some_voxels(8, (60, 40)), network.project(tokens(2))
    told = network.tell(seeded("features", 100, 5))
    velocity = refinement_velocity(network, condition, x.voxels, told)
    one_step = SamplerConfig(steps=1, rescale_t=1.0, guidance=0.0)
    sampled = integrate(velocity, {"slat": x.features}, one_step)["slat"]
    clean = network.predict(x, torch.zeros(1), condition, told_of_voxels=told).features
    torch.testing.assert_close(sampled, clean, atol=1e-5, rtol=1e-5)


def test_velocities_of_a_clean_prediction_lead_each_object_from_its_own_time():
    network = with_seeded_weights(RefinementNetwork(CLEAN)).requires_grad_(False)
    x, time = some_voxels(8, (60, 40)), torch.tensor([0.0, 750.0])
    clean, velocity = network.predict(x, time, None), network(x, time, None)
    rest = torch.tensor([1.0] * 60 + [0.25] * 40)[:, None]
    torch.testing.assert_close(x.features + rest * velocity.features, clean.features, atol=1e-5, rtol=1e-5)


def test_what_is_told_of_a_voxel_tells_it_apart_from_its_neighbours():
    network = with_seeded_weights(RefinementNetwork(CLEAN)).requires_grad_(False)
    x, features = some_voxels(8, (60,)), torch.zeros(60, 5)
    plain = network.predict(x, TIME, None, told_of_voxels=network.tell(features)).features
    features[7] = 1.0
    changed = network.predict(x, TIME, None, told_of_voxels=network.tell(features)).features
    assert (changed - plain).abs().amax(dim=1).argmax() == 7


def test_features_for_a_network_that_takes_none_are_refused(network):
    with pytest.raises(ValueError, match="told nothing of its voxels"):
        network.tell(torch.zeros(3, 5))
