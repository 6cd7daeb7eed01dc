"""From latents to the cubes of a surface."""

from __future__ import annotations

import copy

import pytest
import torch
from dense_reference import convolved, objects_of, repeated, some_voxels
from seeded import with_seeded_weights
from torch.nn import functional

from sam3d_ros.model.config import MeshDecoderConfig, TrunkConfig
from sam3d_ros.model.decoders import CUBE_CHANNELS, MeshDecoder
from sam3d_ros.model.decoders.subdivide import SubdivideBlock
from sam3d_ros.model.sparse import SparseTensor, chunks, norms
from sam3d_ros.model.sparse import kernel as kernel_module

CONFIG = MeshDecoderConfig(
    trunk=TrunkConfig(resolution=8, width=48, depth=2, heads=4, window=4), widths=(24, 16), groups=8
)


@pytest.fixture(scope="module")
def decoder():
    return with_seeded_weights(MeshDecoder(CONFIG)).requires_grad_(False)


@pytest.fixture(scope="module")
def block():
    return with_seeded_weights(SubdivideBlock(16, 24, 8)).requires_grad_(False)


def slow_block(weights, x, groups):
    """One object through a subdivision block in the order of the published layers, all of it at the fine resolution."""

    def group_norm(name, h):
        return functional.group_norm(h.T[None], groups, weights[f"{name}.weight"], weights[f"{name}.bias"])[0].T

    def conv(name, h, at):
        return convolved(at.replace(h), weights[f"{name}.conv.weight"], weights[f"{name}.conv.bias"]).features

    fine = repeated(x.replace(functional.silu(group_norm("act_layers.0", x.features))))
    h = conv("out_layers.0", fine.features, fine)
    h = conv("out_layers.3", functional.silu(group_norm("out_layers.1", h)), fine)
    weight = weights["skip_connection.conv.weight"]
    skip = repeated(x).features @ weight.reshape(weight.shape[-1], weight.shape[0])
    return fine.replace(h + skip + weights["skip_connection.conv.bias"])


def test_a_subdivision_block_is_the_slow_one(block):
    x = some_voxels(16, (60,), grid=6)
    ours, theirs = block(x), slow_block(block.state_dict(), x, 8)
    assert torch.equal(ours.coords, theirs.coords)
    torch.testing.assert_close(ours.features, theirs.features, rtol=1e-4, atol=1e-5)


def test_the_skip_reinterprets_its_weights_and_does_not_transpose_them(block):
    transposed = copy.deepcopy(block)
    weight = transposed.skip_connection.conv.weight  # [24, 1, 1, 1, 16]
    weight.copy_(weight.reshape(24, 16).T.reshape(weight.shape))
    x = some_voxels(16, (60,), grid=6)
    right = slow_block(block.state_dict(), x, 8).features
    torch.testing.assert_close(block(x).features, right, rtol=1e-4, atol=1e-5)
    assert (transposed(x).features - right).abs().max() > 0.1


def test_every_voxel_becomes_sixty_four_cubes_within_it(decoder):
    latents = some_voxels(8, (20,), grid=8)
    cubes = decoder(latents)
    assert cubes.features.shape == (64 * 20, CUBE_CHANNELS)
    assert cubes.features.dtype == torch.float32
    assert torch.equal(cubes.coords // torch.tensor([1, 4, 4, 4]), latents.coords.repeat_interleave(64, dim=0))
    assert len(cubes.coords.unique(dim=0)) == 64 * 20


def test_the_whole_decoder_is_trunk_blocks_and_a_plain_linear_without_a_norm(decoder):
    latents = some_voxels(8, (20,), grid=4)
    x = decoder.features(latents)
    for block in decoder.upsample:
        x = slow_block(block.state_dict(), x, 8)
    torch.testing.assert_close(decoder(latents).features, decoder.out_layer(x.features), rtol=1e-4, atol=1e-4)


def test_objects_of_a_batch_get_the_cubes_that_each_gets_alone(decoder):
    latents = some_voxels(8, (20, 1, 35), grid=8)
    for (places, raw), part in zip(decoder(latents).per_object(), objects_of(latents), strict=True):
        alone = decoder(part)
        assert torch.equal(places, alone.coords[:, 1:])
        torch.testing.assert_close(raw, alone.features, rtol=1e-4, atol=1e-4)


def test_half_an_object_decoded_on_its_own_is_another_surface_because_norms_see_all_voxels(decoder):
    far_apart = torch.cat([some_voxels(8, (10,), grid=3).coords, some_voxels(8, (10,), grid=3).coords + 20])
    far_apart[:, 0] = 0
    latents = SparseTensor.of(far_apart, some_voxels(8, (20,)).features)
    whole = decoder(latents).features[: 64 * 10]
    half = decoder(SparseTensor.of(far_apart[:10], latents.features[:10])).features
    assert (whole - half).abs().max() > 0.01


def test_pieces_of_any_size_give_the_same_cubes(decoder, monkeypatch):
    latents = some_voxels(8, (20,), grid=8)
    whole = decoder(latents).features
    for module in (kernel_module, norms, chunks):
        monkeypatch.setattr(module, "ROWS", 100)
    torch.testing.assert_close(decoder(latents).features, whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gives_nearly_the_same_raw_channels(decoder, dtype):
    half = copy.deepcopy(decoder)
    half.to_compute_dtype(dtype)
    latents = some_voxels(8, (40,), grid=8)
    exact = decoder(latents).features
    answer = half(latents).features
    assert answer.dtype == torch.float32
    assert (answer - exact).abs().max() < 20 * torch.finfo(dtype).eps * exact.abs().max()


def test_in_half_precision_group_norms_and_end_layers_stay_float32():
    half = MeshDecoder(CONFIG)
    half.to_compute_dtype(torch.float16)
    islands = ("input_layer", "out_layer", "act_layers.0", "out_layers.1")
    for key, weight in half.state_dict().items():
        island = key.startswith(islands[:2]) or any(name in key for name in islands[2:])
        assert weight.dtype == (torch.float32 if island else torch.float16), key


def test_gradients_reach_every_weight_and_the_latents():
    decoder = with_seeded_weights(MeshDecoder(CONFIG))
    latents = some_voxels(8, (10,), grid=4)
    latents.features.requires_grad_()
    decoder(latents).features.square().sum().backward()
    assert latents.features.grad.abs().amin(dim=1).min() > 0
    still = [name for name, weight in decoder.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []
