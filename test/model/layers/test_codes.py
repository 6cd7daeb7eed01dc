"""Codes of time and position, and the feed-forward part."""

from __future__ import annotations

import math

import pytest
import torch
from seeded import seeded, with_seeded_weights

from sam3d_ros.model.layers import FeedForward, StepEmbedding, sinusoidal_positions, step_features


@pytest.mark.parametrize("value", [0.0, 13.7, 1000.0])
def test_time_features_are_all_cosines_and_then_all_sines(value):
    """Trap 29: 128 frequencies exp(-ln 10000 * j / 128)."""
    angles = [value * math.exp(-math.log(10_000) * j / 128) for j in range(128)]
    expected = torch.tensor([math.cos(a) for a in angles] + [math.sin(a) for a in angles])
    torch.testing.assert_close(step_features(torch.tensor([value]))[0], expected, rtol=0, atol=2e-4)


def test_time_features_of_zero_are_ones_and_zeros():
    assert step_features(torch.zeros(1))[0].tolist() == [1.0] * 128 + [0.0] * 128


def test_the_step_embedding_has_a_silu_between_its_two_layers():
    embedding = with_seeded_weights(StepEmbedding(32))
    hidden = embedding.mlp[0](step_features(torch.tensor([5.0])))
    torch.testing.assert_close(embedding(torch.tensor([5.0])), embedding.mlp[2](hidden * hidden.sigmoid()))
    assert set(embedding.state_dict()) == {"mlp.0.weight", "mlp.0.bias", "mlp.2.weight", "mlp.2.bias"}


@pytest.mark.parametrize("width", [1024, 768, 64, 6])
def test_position_codes_are_sines_then_cosines_axis_by_axis_and_zeros_at_the_end(width):
    """Trap 29: 170 frequencies at a width of 1024, 1020 numbers and 4 zeros."""
    count = width // 6
    point = (3, 15, 7)
    expected = []
    for coordinate in point:
        angles = [coordinate / 10_000 ** (j / count) for j in range(count)]
        expected += [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
    expected += [0.0] * (width - 6 * count)
    torch.testing.assert_close(
        sinusoidal_positions(torch.tensor(point), width), torch.tensor(expected), rtol=0, atol=2e-6
    )


def test_position_codes_keep_leading_dimensions_and_refuse_a_width_without_room():
    assert sinusoidal_positions(torch.zeros(2, 5, 3, dtype=torch.int32), 20).shape == (2, 5, 20)
    with pytest.raises(ValueError, match="width of 5"):
        sinusoidal_positions(torch.zeros(1, 3), 5)


def test_the_feed_forward_of_the_flow_models_uses_the_tanh_form_of_gelu():
    """Trap 30."""
    layer = with_seeded_weights(FeedForward(16, 4.0))
    h = layer.mlp[0](seeded("x", 3, 16))
    gelu = 0.5 * h * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)))
    torch.testing.assert_close(layer(seeded("x", 3, 16)), layer.mlp[2](gelu), rtol=1e-5, atol=1e-6)
    assert layer.mlp[0].weight.shape == (64, 16)
