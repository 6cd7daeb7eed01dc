"""The pointmap encoder against a plain one that goes window by window with a whole transformer block."""

from __future__ import annotations

import math

import pytest
import torch
from seeded import seeded, with_seeded_weights
from small_sizes import EMBEDDER
from torch import Tensor
from torch.nn import functional

from sam3d_ros.model.embedders import PointPatchEmbed

CONFIG = EMBEDDER.points
SIZE, PATCH = CONFIG.image_size, CONFIG.patch


def norm(x: Tensor) -> Tensor:
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-6).sqrt()


def plain_block(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """Pre-norm block of all tokens [L, C], no layer scale, GELU in its erf form."""

    def linear(key: str, x: Tensor) -> Tensor:
        return x @ state[f"blocks.0.{key}.weight"].T + state[f"blocks.0.{key}.bias"]

    h = norm(x) * state["blocks.0.norm1.weight"] + state["blocks.0.norm1.bias"]
    q, k, v = (part.chunk(CONFIG.heads, -1) for part in linear("attn.qkv", h).chunk(3, -1))
    heads = [torch.softmax(qh @ kh.T / math.sqrt(qh.shape[-1]), -1) @ vh for qh, kh, vh in zip(q, k, v, strict=True)]
    x = x + linear("attn.proj", torch.cat(heads, -1))
    h = linear("mlp.fc1", norm(x) * state["blocks.0.norm2.weight"] + state["blocks.0.norm2.bias"])
    return x + linear("mlp.fc2", h * 0.5 * (1 + torch.erf(h / math.sqrt(2))))


def plain_tokens(state: dict[str, Tensor], points: Tensor) -> Tensor:
    """Tokens [windows, C] of points [3, S, S] at the encoder's own size."""
    tokens = []
    for row in range(SIZE // PATCH):
        for column in range(SIZE // PATCH):
            pixels = []
            for i in range(PATCH):
                for j in range(PATCH):
                    point = points[:, row * PATCH + i, column * PATCH + j]
                    known = bool(torch.isfinite(point).all())
                    projected = state["point_proj.weight"] @ point + state["point_proj.bias"]
                    pixels.append(projected if known else state["invalid_xyz_token"])
            window = torch.cat([state["cls_token"][0], torch.stack(pixels)]) + state["pos_embed_window"][0]
            tokens.append(plain_block(state, window)[0] + state["pos_embed"][0, :, row, column])
    return torch.stack(tokens)


@pytest.fixture(scope="module")
def module() -> PointPatchEmbed:
    return with_seeded_weights(PointPatchEmbed(CONFIG)).requires_grad_(False)


def pointmap(size: int = SIZE) -> Tensor:
    points = seeded("points", 1, 3, size, size)
    points[:, :, 3:9, 5:20] = torch.nan
    points[:, 1, 20, 20] = torch.inf  # one bad coordinate makes a pixel unknown
    return points


def test_tokens_equal_those_of_a_whole_block_in_each_window_row_by_row(module):
    """Only the class token of the block is computed; trap 16 and 30 for its norm and GELU."""
    expected = plain_tokens(module.state_dict(), pointmap()[0])
    torch.testing.assert_close(module(pointmap())[0], expected, rtol=1e-4, atol=2e-5)
    assert module.tokens == len(expected)


def test_a_pointmap_of_another_size_is_sampled_at_the_floor_of_each_position(module):
    size = 65
    index = [math.floor(i * size / SIZE) for i in range(SIZE)]
    sampled = pointmap(size)[:, :, index][:, :, :, index]
    assert torch.equal(module(pointmap(size)), module(sampled))


def test_a_pixel_with_one_coordinate_that_is_not_finite_counts_as_unknown(module):
    """Trap 24."""
    wholly = pointmap()
    wholly[:, :, 20, 20] = torch.nan
    assert torch.equal(module(pointmap()), module(wholly))
    assert torch.isfinite(module(torch.full((1, 3, SIZE, SIZE), torch.nan))).all()


def test_a_point_at_zero_is_known_and_differs_from_a_hole(module):
    """Trap 23: 0 is the object's median point."""
    zero, hole = torch.zeros(1, 3, SIZE, SIZE), torch.full((1, 3, SIZE, SIZE), torch.nan)
    assert not torch.allclose(module(zero), module(hole), atol=1e-3)


def test_holes_stop_no_gradient_and_spread_no_nan():
    module = with_seeded_weights(PointPatchEmbed(CONFIG))
    module(pointmap()).square().sum().backward()
    assert all(torch.isfinite(parameter.grad).all() and parameter.grad.any() for parameter in module.parameters())


def test_the_encoder_leaves_its_input_as_it_was(module):
    points = pointmap()
    module(points)
    assert torch.equal(points.nan_to_num(9.0), pointmap().nan_to_num(9.0))


def test_functional_nearest_is_the_floor_at_the_published_sizes():
    """518 pixels to 256."""
    row = torch.arange(518.0)[None, None, None]
    sampled = functional.interpolate(row, (1, 256), mode="nearest")[0, 0, 0]
    assert sampled.tolist() == [math.floor(i * 518 / 256) for i in range(256)]
