"""What a trainer and a compiler need of the geometry network, and half precision."""

from __future__ import annotations

import pytest
import torch
from seeded import seeded, with_seeded_weights
from small_sizes import GEOMETRY as CONFIG
from torch import Tensor

from sam3d_ros.model.structure import LAYOUT, LAYOUT_CHANNELS, SHAPE, GeometryNetwork, latent_sizes

TIME, STEP = torch.tensor([137.0]), torch.tensor([250.0])


def latents() -> dict[str, Tensor]:
    return {name: seeded(name, 1, *size) for name, size in latent_sizes(CONFIG).items()}


def condition_tokens() -> Tensor:
    return seeded("condition", 1, 11, CONFIG.condition_width)


def make() -> GeometryNetwork:
    return with_seeded_weights(GeometryNetwork(CONFIG))


def test_a_loss_on_the_layout_sends_no_gradient_into_the_weights_of_the_shape_stream():
    """Keys and values of the shape are stopped there."""
    network = make()
    velocities = network(latents(), TIME, network.project(condition_tokens()), STEP)
    sum(velocities[name].square().sum() for name in LAYOUT_CHANNELS).backward()
    for name, parameter in network.named_parameters():
        if f".{SHAPE}." in name:
            assert parameter.grad is None or not parameter.grad.any(), name
    assert network.blocks[0].self_attn.to_qkv[LAYOUT].weight.grad.any()


def test_a_loss_on_all_latents_reaches_every_parameter_and_the_condition():
    network = make()
    tokens = condition_tokens().requires_grad_()
    velocities = network(latents(), TIME, network.project(tokens), STEP)
    sum(x.square().sum() for x in velocities.values()).backward()
    assert not [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert tokens.grad.any()


def test_the_position_code_of_the_shape_is_in_the_state_dict_but_not_trained():
    network = make()
    assert "latent_mapping.shape.pos_emb" in network.state_dict()
    assert "latent_mapping.shape.pos_emb" not in dict(network.named_parameters())


def test_shape_cells_are_ordered_x_major_and_z_minor():
    code = GeometryNetwork(CONFIG).latent_mapping[SHAPE].pos_emb  # [4^3, 64], 10 frequencies an axis
    cell = (1 * CONFIG.grid + 2) * CONFIG.grid + 3
    assert code[cell, [0, 20, 40]].tolist() == pytest.approx(torch.tensor([1.0, 2.0, 3.0]).sin().tolist(), abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_stays_close_to_float32_and_answers_in_float32(dtype):
    network = make()
    exact = network(latents(), TIME, network.project(condition_tokens()), STEP)
    network.to_compute_dtype(dtype)
    condition = network.project(condition_tokens())
    assert condition[0][SHAPE].k.dtype == dtype
    for conditional in (condition, None):
        rounded = network(latents(), TIME, conditional, STEP)
        assert {x.dtype for x in rounded.values()} == {torch.float32}
    rounded = network(latents(), TIME, condition, STEP)
    bound = 30 * torch.finfo(dtype).eps  # a few dozen roundings in three blocks
    for name, value in exact.items():
        assert (rounded[name] - value).abs().max() < bound * value.abs().max(), name


def test_the_network_compiles_into_one_graph_with_and_without_condition():
    """No control flow of the forward pass depends on data: one graph each, nothing falls back to Python."""
    network = make()
    condition = network.project(condition_tokens())
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    for given in (condition, None):
        ours, theirs = compiled(latents(), TIME, given, STEP), network(latents(), TIME, given, STEP)
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
