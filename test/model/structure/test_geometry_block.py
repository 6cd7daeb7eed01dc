"""One block of the geometry network, with modulations that are set by hand."""

from __future__ import annotations

import pytest
import torch
from seeded import seeded, with_seeded_weights
from small_sizes import GEOMETRY as CONFIG
from torch import Tensor

from sam3d_ros.model.structure import LAYOUT, SHAPE, GeometryNetwork
from sam3d_ros.model.structure.block import GeometryBlock

WIDTH = CONFIG.width
EMBEDDING = seeded("embedding", 1, WIDTH)
CONSTANT = seeded("constant", WIDTH)


def block_with(shift1=0.0, scale1=0.0, gate1=0.0, shift2=0.0, scale2=0.0, gate2=0.0) -> GeometryBlock:
    """A block whose modulation does not depend on the time and has these six parts, in the published order."""
    block = with_seeded_weights(GeometryBlock(CONFIG)).requires_grad_(False)
    parts = [torch.zeros(WIDTH) + part for part in (shift1, scale1, gate1, shift2, scale2, gate2)]
    block.adaLN_modulation[1].weight.zero_()
    block.adaLN_modulation[1].bias.copy_(torch.cat(parts))
    return block


def streams() -> dict[str, Tensor]:
    return {SHAPE: seeded("shape", 1, 8, WIDTH), LAYOUT: seeded("layout", 1, 4, WIDTH)}


def test_without_gates_a_block_adds_its_cross_attention_alone():
    """Traps 13 and 14: the gates are the third and sixth part, and cross-attention has none."""
    block = block_with(shift1=5.0, scale1=-2.0, shift2=3.0, scale2=4.0)
    for name, after in block(streams(), EMBEDDING, None).items():
        expected = streams()[name] + block.cross_attn[name].zero_answer()
        torch.testing.assert_close(after, expected)


def test_the_first_three_parts_of_the_modulation_are_shift_scale_and_gate_of_self_attention():
    """Trap 13: a scale of -1 leaves the shift alone, so each token of both streams attends to equal values."""
    block = block_with(shift1=CONSTANT, scale1=-1.0, gate1=2.0)
    attention = block.self_attn
    value = {name: attention.to_qkv[name](CONSTANT)[2 * WIDTH :] for name in (SHAPE, LAYOUT)}
    after = block(streams(), EMBEDDING, None)[SHAPE]
    attended = attention.to_out[SHAPE](value[SHAPE])
    expected = streams()[SHAPE] + 2 * attended + block.cross_attn[SHAPE].zero_answer()
    torch.testing.assert_close(after, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [SHAPE, LAYOUT])
def test_the_last_three_parts_of_the_modulation_are_shift_scale_and_gate_of_the_feed_forward(name):
    """Trap 13."""
    block = block_with(shift2=CONSTANT, scale2=-1.0, gate2=3.0)
    after = block(streams(), EMBEDDING, None)[name]
    expected = streams()[name] + block.cross_attn[name].zero_answer() + 3 * block.mlp[name](CONSTANT)
    torch.testing.assert_close(after, expected, rtol=1e-4, atol=1e-5)


def test_norms_of_the_blocks_have_an_eps_of_1e_6_and_those_before_the_output_of_1e_5():
    """Trap 16."""
    network = GeometryNetwork(CONFIG)
    for block in network.blocks:
        assert {block.norm.eps, *(norm.eps for norm in block.norm2.values())} == {1e-6}
    assert {mapping.out_norm.eps for mapping in network.latent_mapping.values()} == {1e-5}
