"""Additions of the tiny size: the observed volume, clean predictions, signed distances."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sam3d_ros.model import SMALL, TINY
from sam3d_ros.model.config import ConfigError, GeometryConfig, ObservedConfig, SamplerConfig
from sam3d_ros.model.sampling import draw_latents, integrate
from sam3d_ros.model.structure import SHAPE, GeometryNetwork, StructureDecoder, geometry_velocity, latent_sizes

OBSERVED = ObservedConfig(resolution=16, stem_width=8, depth=1)
GEOMETRY = replace(SMALL.geometry, width=32, condition_width=32, heads=1, prediction="clean", observed=OBSERVED)


def network(config: GeometryConfig = GEOMETRY) -> GeometryNetwork:
    torch.manual_seed(0)
    return GeometryNetwork(config)


def setting(batch: int = 1):
    generators = [torch.Generator().manual_seed(seed) for seed in range(batch)]
    noise = draw_latents(latent_sizes(GEOMETRY), generators)
    labels = torch.randint(0, 5, (batch, 16, 16, 16), generator=generators[0], dtype=torch.uint8)
    tokens = torch.randn(batch, 6, 32, generator=generators[0])
    return noise, labels, tokens


@torch.no_grad()
def test_one_step_from_noise_is_the_network_s_own_answer_at_the_start():
    net, (noise, labels, tokens) = network(), setting()
    condition, observed = net.project(tokens), net.observe(labels)
    zero = torch.zeros(1)
    answer = net.predict(noise, zero, condition, zero, observed=observed)
    sampler = SamplerConfig(steps=1, guidance=0.0, rescale_t=1.0)
    sampled = integrate(geometry_velocity(net, condition, observed), noise, sampler)
    for name, clean in answer.items():
        torch.testing.assert_close(sampled[name], clean, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_network_that_is_always_right_arrives_whatever_the_steps():
    net, (noise, _, tokens) = network(), setting()
    data = {name: torch.full_like(x, 0.5) for name, x in noise.items()}
    net.predict = lambda *_, **__: data  # type: ignore[method-assign]
    velocity = geometry_velocity(net, net.project(tokens))
    for steps in (1, 3, 7):
        sampled = integrate(velocity, noise, SamplerConfig(steps=steps, guidance=0.0, rescale_t=3.0))
        for name, x in sampled.items():
            torch.testing.assert_close(x, data[name], atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_observed_volume_matters_cell_by_cell_and_objects_keep_apart():
    net, (noise, labels, tokens) = network(), setting(batch=2)
    condition, time = net.project(tokens), torch.zeros(2)
    before = net(noise, time, condition, time, observed=net.observe(labels))
    changed = labels.clone()
    changed[1] = 4 - changed[1]
    after = net(noise, time, condition, time, observed=net.observe(changed))
    torch.testing.assert_close(after[SHAPE][0], before[SHAPE][0])
    assert (after[SHAPE][1] - before[SHAPE][1]).abs().max() > 1e-4


def test_a_network_without_the_encoder_has_no_such_keys_and_refuses_a_volume():
    net = network(replace(GEOMETRY, observed=None, prediction="velocity"))
    assert not [key for key in net.state_dict() if "observed" in key]
    with pytest.raises(ValueError, match="reads no observed volume"):
        net.observe(torch.zeros(1, 16, 16, 16))


def test_a_volume_that_the_grid_does_not_divide_is_refused():
    with pytest.raises(ConfigError, match="take a multiple of 8"):
        network(replace(GEOMETRY, observed=replace(OBSERVED, resolution=20)))


@torch.no_grad()
def test_the_tiny_decoder_says_occupancy_and_distance_at_sixty_four():
    fields = StructureDecoder(TINY.structure_decoder).fields(torch.zeros(1, 512, 16))
    assert fields.distance is not None
    assert fields.logits.shape == fields.distance.shape == (1, 1, 64, 64, 64)


@torch.no_grad()
def test_half_precision_casts_the_blocks_of_the_observed_encoder_alone():
    net, (noise, labels, tokens) = network(), setting()
    full = net(noise, torch.zeros(1), net.project(tokens), observed=net.observe(labels))[SHAPE]
    net.to_compute_dtype(torch.bfloat16)
    assert net.observed_encoder.stem.weight.dtype == torch.float32
    half = net(noise, torch.zeros(1), net.project(tokens), observed=net.observe(labels))[SHAPE]
    assert half.dtype == torch.float32
    assert (half - full).abs().max() < 0.1 * full.abs().max()
