"""Training reaches what it should."""

from __future__ import annotations

import pytest
import torch

from sam3d_ros.model.surface import extract_surface, surface_of_sdf

SDF, DEFORMATION, BETA, ALPHA, GAMMA, ATTRIBUTES = (
    slice(*ends) for ends in ((0, 8), (8, 32), (32, 44), (44, 52), (52, 53), (53, 101))
)


def some_channels(seed):
    generator = torch.Generator().manual_seed(seed)
    cubes = torch.cartesian_prod(*[torch.arange(3)] * 3)
    channels = torch.randn(27, 101, generator=generator, dtype=torch.float64)
    return cubes, channels.requires_grad_()


def gradient(channels, surface):
    (surface.vertices.square().sum() + surface.attributes.square().sum()).backward()
    return channels.grad


@pytest.mark.parametrize("part", [SDF, DEFORMATION, BETA, ALPHA, ATTRIBUTES])
def test_gradients_reach_the_channels(part):
    cubes, channels = some_channels(0)
    assert gradient(channels, extract_surface(cubes, channels, 3))[:, part].abs().sum(dim=0).min() > 0


@pytest.mark.parametrize("quad_centres", [False, True])
def test_gamma_has_a_gradient_with_quad_centres_only(quad_centres):
    cubes, channels = some_channels(1)
    surface = extract_surface(cubes, channels, 3, quad_centres=quad_centres)
    assert bool(gradient(channels, surface)[:, GAMMA].abs().sum() > 0) == quad_centres


@pytest.mark.parametrize("quad_centres", [False, True])
def test_gradients_are_those_of_finite_differences(quad_centres):
    cubes, channels = some_channels(2)

    def outputs(raw):
        surface = extract_surface(cubes, raw, 3, quad_centres=quad_centres)
        return surface.vertices, surface.attributes

    assert torch.autograd.gradcheck(outputs, (channels,), fast_mode=True)


def test_a_grid_of_distances_has_gradients_near_the_surface_only():
    sdf = torch.ones(5, 5, 5)
    sdf[2, 2, 2] = -1
    sdf.requires_grad_()
    surface_of_sdf(sdf).vertices[:, 0].square().sum().backward()
    assert sdf.grad[2, 2, 2] != 0
    assert sdf.grad[0].abs().sum() == 0


def test_fitting_signed_distances_moves_the_surface_to_a_target():
    axis = torch.linspace(-0.5, 0.5, 13)
    distance = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).norm(dim=-1)
    sdf = (distance - 0.2).requires_grad_()
    optimiser = torch.optim.Adam([sdf], lr=0.01)
    for _ in range(40):
        optimiser.zero_grad()
        (surface_of_sdf(sdf).vertices.norm(dim=1) - 0.3).square().mean().backward()
        optimiser.step()
    assert (surface_of_sdf(sdf).vertices.norm(dim=1) - 0.3).abs().mean() < 0.01
