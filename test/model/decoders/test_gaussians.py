"""From latents to Gaussians."""

from __future__ import annotations

import math

import pytest
import torch
from dense_reference import objects_of, some_voxels
from seeded import with_seeded_weights
from torch import nn

from sam3d_ros.model.config import GaussianConfig, TrunkConfig
from sam3d_ros.model.decoders import GaussianDecoder

TRUNK = TrunkConfig(resolution=16, width=48, depth=2, heads=4, window=4)
FIELDS = ("means", "scales", "quat_wxyz", "opacities", "sh_dc")


def decoder_with(raw, *, per_voxel=2, perturbation=0.0):
    """A decoder whose output layer says the raw numbers [14 * per_voxel] at every voxel."""
    decoder = GaussianDecoder(GaussianConfig(trunk=TRUNK, per_voxel=per_voxel)).requires_grad_(False)
    nn.init.zeros_(decoder.out_layer.weight)
    decoder.out_layer.bias.copy_(torch.as_tensor(raw, dtype=torch.float32))
    decoder.offset_perturbation.fill_(perturbation)
    return decoder


def numbers(**fields):
    """Raw numbers of two Gaussians, zero but for the given fields."""
    sizes = {"offset": 6, "colour": 6, "scale": 6, "rotation": 8, "opacity": 2}
    return [number for name, size in sizes.items() for number in fields.get(name, [0.0] * size)]


@pytest.fixture
def latents():
    return some_voxels(8, (5,), grid=16)


def test_gaussians_lie_around_the_centres_of_their_voxels_in_the_cube_about_the_origin(latents):
    (cloud,) = decoder_with(numbers())(latents)
    centres = (latents.coords[:, 1:] + 0.5) / 16 - 0.5
    torch.testing.assert_close(cloud.means, centres.repeat_interleave(2, dim=0))


def test_offsets_are_squashed_after_the_perturbation_and_reach_three_quarters_of_a_voxel(latents):
    (cloud,) = decoder_with(numbers(offset=[1, -1, 0, 100, 0, -100]), perturbation=0.5)(latents)
    offsets = (cloud.means - ((latents.coords[:, 1:] + 0.5) / 16 - 0.5).repeat_interleave(2, dim=0)) * 16
    expected = 0.75 * torch.tensor([[1.5, -0.5, 0.5], [100, 0.5, -100]]).tanh()
    torch.testing.assert_close(offsets, expected.repeat(5, 1), atol=1e-5, rtol=1e-5)


def test_scales_are_a_biased_softplus_widened_by_the_filter_of_three_dimensions(latents):
    (cloud,) = decoder_with(numbers(scale=[0, 1, -50, 0, 0, 0]))(latents)
    bias = 0.004 + math.log(-math.expm1(-0.004))
    wanted = [math.hypot(math.log1p(math.exp(raw + bias)), 0.0009) for raw in (0.0, 1.0, -50.0)]
    torch.testing.assert_close(cloud.scales[0], torch.tensor(wanted))
    assert cloud.scales[0, 0] == pytest.approx(math.hypot(0.004, 0.0009), rel=1e-4)


def test_rotations_are_a_tenth_of_the_raw_numbers_around_the_identity(latents):
    (cloud,) = decoder_with(numbers(rotation=[0, 0, 0, 0, 10, -20, 0, 10]))(latents)
    torch.testing.assert_close(cloud.quat_wxyz[0], torch.tensor([1.0, 0, 0, 0]))
    torch.testing.assert_close(cloud.quat_wxyz[1], torch.tensor([2.0, -2, 0, 1]) / 3)


def test_opacities_start_at_one_tenth(latents):
    (cloud,) = decoder_with(numbers(opacity=[0, math.log(9)]))(latents)
    torch.testing.assert_close(cloud.opacities[:2], torch.tensor([0.1, 0.5]))


def test_colours_are_the_constant_harmonic(latents):
    (cloud,) = decoder_with(numbers(colour=[0, 1, -1, 0, 0, 2]))(latents)
    torch.testing.assert_close(cloud.sh_dc[:2], torch.tensor([[0.0, 1, -1], [0, 0, 2]]))
    torch.testing.assert_close(cloud.colours[0], torch.tensor([0.5, 0.5 + 0.28209479, 0.5 - 0.28209479]))


@pytest.mark.parametrize("per_voxel", [4, 32])
def test_objects_of_a_batch_get_the_gaussians_that_each_gets_alone(per_voxel):
    decoder = with_seeded_weights(GaussianDecoder(GaussianConfig(trunk=TRUNK, per_voxel=per_voxel)))
    latents = some_voxels(8, (40, 1, 70), grid=16)
    for together, part in zip(decoder(latents), objects_of(latents), strict=True):
        (alone,) = decoder(part)
        assert len(alone.means) == per_voxel * len(part.voxels)
        for name in FIELDS:
            torch.testing.assert_close(getattr(together, name), getattr(alone, name), rtol=1e-4, atol=1e-5)


def test_perturbations_spread_the_gaussians_of_a_voxel_evenly_before_anything_is_learnt():
    decoder = GaussianDecoder(GaussianConfig(trunk=TRUNK))
    places = 0.75 * torch.tanh(decoder.offset_perturbation)  # in voxels around its centre
    octants = ((places + 0.5).clamp(0, 0.999) * 2).int()
    assert places.abs().max() <= 0.5 + 1e-6
    counts = torch.bincount((octants * torch.tensor([4, 2, 1])).sum(dim=1), minlength=8)
    assert counts.min() >= 3  # of 32 in 8 octants
    assert counts.max() <= 5


def test_perturbations_are_those_of_the_file_not_our_own():
    decoder = GaussianDecoder(GaussianConfig(trunk=TRUNK, per_voxel=4))
    state = decoder.state_dict() | {"offset_perturbation": torch.full((4, 3), 0.25)}
    decoder.load_state_dict(state, strict=True)
    assert torch.equal(decoder.offset_perturbation, torch.full((4, 3), 0.25))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gives_float32_gaussians_nearly_the_same(dtype):
    decoder = with_seeded_weights(GaussianDecoder(GaussianConfig(trunk=TRUNK)))
    latents = some_voxels(8, (60,), grid=16)
    (exact,) = decoder(latents)
    decoder.to_compute_dtype(dtype)
    (cloud,) = decoder(latents)
    assert decoder.out_layer.weight.dtype == decoder.input_layer.weight.dtype == torch.float32
    for name in FIELDS:
        ours, theirs = getattr(cloud, name), getattr(exact, name)
        assert ours.dtype == torch.float32
        assert (ours - theirs).abs().max() < 20 * torch.finfo(dtype).eps * theirs.abs().max()


def test_gradients_reach_every_weight_of_the_decoder():
    decoder = with_seeded_weights(GaussianDecoder(GaussianConfig(trunk=TRUNK, per_voxel=2)))
    (cloud,) = decoder(some_voxels(8, (30,), grid=16))
    sum(getattr(cloud, name).square().sum() + getattr(cloud, name).sum() for name in FIELDS).backward()
    still = [name for name, weight in decoder.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []
