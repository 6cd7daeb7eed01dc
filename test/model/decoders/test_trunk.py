"""The shifted-window transformer of the decoders."""

from __future__ import annotations

import pytest
import torch
from dense_reference import attended, objects_of, some_voxels
from seeded import with_seeded_weights
from torch.nn import functional

from sam3d_ros.model.config import TrunkConfig
from sam3d_ros.model.decoders.trunk import LatentTrunk
from sam3d_ros.model.layers import sinusoidal_positions

CONFIG = TrunkConfig(resolution=16, width=48, depth=3, heads=4, window=4)


@pytest.fixture(scope="module")
def trunk():
    return with_seeded_weights(LatentTrunk(CONFIG)).requires_grad_(False)


def windows_of(coords, shift):
    cells = torch.cat([coords[:, :1], (coords[:, 1:] + shift) // CONFIG.window], dim=1)
    return torch.unique(cells, dim=0, return_inverse=True)[1]


def slow_features(trunk, x):
    """Features [N, C] with one mask over all pairs of voxels."""
    weights = trunk.state_dict()

    def linear(name, h):
        return functional.linear(h, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(h):
        return functional.layer_norm(h, (CONFIG.width,), eps=1e-6)

    h = linear("input_layer", x.features) + sinusoidal_positions(x.coords[:, 1:], CONFIG.width)
    for index, shift in enumerate((0, 2, 0)):
        name = f"blocks.{index}"
        q, k, v = linear(f"{name}.attn.to_qkv", norm(h)).unflatten(1, (3, CONFIG.heads, -1)).unbind(1)
        h = h + linear(f"{name}.attn.to_out", attended(q, k, v, windows_of(x.coords, shift)))
        inner = functional.gelu(linear(f"{name}.mlp.mlp.0", norm(h)), approximate="tanh")
        h = h + linear(f"{name}.mlp.mlp.2", inner)
    return h


def test_windows_shift_by_half_in_every_second_block_alone(trunk):
    x = some_voxels(8, (150, 80), grid=16)
    torch.testing.assert_close(trunk.features(x).features, slow_features(trunk, x), rtol=1e-4, atol=1e-5)


def test_a_batch_of_objects_gives_the_features_that_each_gives_alone(trunk):
    x = some_voxels(8, (150, 1, 80), grid=16)
    alone = torch.cat([trunk.features(part).features for part in objects_of(x)])
    torch.testing.assert_close(trunk.features(x).features, alone, rtol=1e-4, atol=1e-5)


def test_the_published_windows_shift_by_four_of_eight_voxels():
    with torch.device("meta"):
        published = LatentTrunk(TrunkConfig())
    assert [(block.window, block.shift) for block in published.blocks] == [(8, 0), (8, 4)] * 6
