"""The encoder of structured latents."""

from __future__ import annotations

import pytest
import torch

from sam3d_ros.model.config import TrunkConfig
from sam3d_ros.model.encoders import SlatEncoder, SurfacePoints
from sam3d_ros.model.encoders.slat import _pooled
from sam3d_ros.model.refinement import active_voxels
from sam3d_ros.model.sparse import Voxels

CONFIG = TrunkConfig(resolution=8, channels=16, width=32, depth=2, heads=1, window=4)


def encoder() -> SlatEncoder:
    torch.manual_seed(0)
    return SlatEncoder(CONFIG, 4, point_width=8)


def ball(batch: int = 1) -> tuple[Voxels, SurfacePoints]:
    axis = (torch.arange(16) + 0.5) / 16 - 0.5
    distance = torch.cartesian_prod(axis, axis, axis).norm(dim=1).view(1, 1, 16, 16, 16) - 0.3
    voxels = active_voxels(distance.expand(batch, -1, -1, -1, -1), 8, reach=0.055)
    generator = torch.Generator().manual_seed(1)
    normal = torch.nn.functional.normalize(torch.randn(400 * batch, 3, generator=generator), dim=1)
    colour = torch.rand(400 * batch, 3, generator=generator)
    return voxels, SurfacePoints(torch.arange(batch).repeat_interleave(400), 0.3 * normal, normal, colour)


def test_voxels_that_the_surface_passes_are_active_and_hold_its_points():
    voxels, points = ball()
    cells = {tuple(cell) for cell in ((points.place + 0.5) * 8).floor().int().tolist()}
    active = {tuple(cell) for cell in voxels.coords[:, 1:].tolist()}
    assert cells <= active
    assert len(active) < 2 * len(cells)


@torch.no_grad()
def test_objects_of_a_batch_get_the_latents_that_each_gets_alone():
    net, (voxels, points) = encoder(), ball(batch=2)
    both = net(voxels, points).mean.per_object()
    for number in range(2):
        own = points.object == number
        coords = voxels.coords[voxels.coords[:, 0] == number].clone()
        coords[:, 0] = 0
        alone = SurfacePoints(points.object[own] * 0, *(x[own] for x in points[1:]))
        torch.testing.assert_close(both[number][1], net(Voxels(coords), alone).mean.features, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_the_order_of_the_points_does_not_matter_and_points_elsewhere_are_left_out():
    net, (voxels, points) = encoder(), ball()
    expected = net(voxels, points).mean.features
    order = torch.randperm(400, generator=torch.Generator().manual_seed(2))
    shuffled = SurfacePoints(*(x[order] for x in points))
    torch.testing.assert_close(net(voxels, shuffled).mean.features, expected, atol=1e-5, rtol=1e-5)
    centre = torch.zeros(1, 3)
    elsewhere = [centre, centre - 0.9, centre + 0.9]
    more = SurfacePoints(
        torch.cat([points.object, torch.zeros(3, dtype=torch.long)]),
        torch.cat([points.place, *elsewhere]),
        torch.cat([points.normal, *[centre] * 3]),
        torch.cat([points.colour, *[centre] * 3]),
    )
    torch.testing.assert_close(net(voxels, more).mean.features, expected, atol=1e-5, rtol=1e-5)


def test_pooling_is_that_of_a_plain_loop():
    features, rows = torch.randn(20, 3), torch.randint(0, 5, (20,))
    pooled = _pooled(features, rows, 6)
    for row in range(6):
        own = features[rows == row]
        expected = torch.cat([own.mean(dim=0), own.amax(dim=0)]) if len(own) else torch.zeros(6)
        torch.testing.assert_close(pooled[row], expected)


def test_gradients_reach_every_parameter():
    net, (voxels, points) = encoder(), ball()
    posterior = net(voxels, points)
    noise = torch.ones_like(posterior.log_variance)
    (posterior.sample(noise).features.square().mean() + posterior.divergence()).backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_trunk_that_does_not_fit_the_points_is_refused():
    with pytest.raises(ValueError, match="take 32, twice"):
        SlatEncoder(CONFIG, 4, point_width=16)
