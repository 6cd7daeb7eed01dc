"""Structured latents: what is true in voxels, what is learnt, and from which draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from ball_data import COLOURS, LATENTS, BallShapes, object_table, surface_table
from torch.utils.data import default_collate

from sam3d_ros.model.config import FieldConfig
from sam3d_ros.model.decoders import GaussianCloud
from sam3d_ros.training.engine.positions import rng_at
from sam3d_ros.training.losses.gaussians import GaussianTruth, GaussianWeights, gaussian_losses
from sam3d_ros.training.stages.latents import LatentsObjective, LatentsSettings, drawn_noise
from sam3d_ros.training.stages.placed import PlacedTargets, PreparePlaced
from sam3d_ros.training.stages.refined_figures import decoded_figures, decoded_grids, decoded_surfaces


def objective(settings: LatentsSettings = LATENTS) -> LatentsObjective:
    torch.manual_seed(0)
    return LatentsObjective(settings, PlacedTargets(object_table(), surface_table(), 16, reach=0.5))


def batch(samples: int = 2, bend: float = 0.3) -> dict[str, torch.Tensor]:
    prepare, shapes = PreparePlaced(bend), BallShapes(samples)
    return default_collate([prepare(shapes[k], rng_at(0, k), 0.0) for k in range(samples)])


@pytest.fixture(scope="module")
def learnt():
    """An objective that knows one batch by heart, and the loss on its way there."""
    net, data = objective(), batch()
    optimiser = torch.optim.Adam(net.parameters(), lr=8e-3)
    losses = []
    for _ in range(80):
        loss = torch.stack(list(net(data).values())).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    net.measure_scale(iter([data]))
    return net, data, losses


def test_one_batch_is_learnt_by_heart(learnt):
    _, _, losses = learnt
    assert losses[-1] < 0.4 * losses[0]


def test_what_was_learnt_is_a_good_surface_with_its_colours_on_their_sides(learnt):
    net, data, _ = learnt
    truth, target = net.truths(data)
    with torch.no_grad():
        latent = net.encoder(truth.voxels, target.fields).mean
        fields = net.decoder(latent)
        standardised = latent.replace(net.latent(truth.voxels, target.fields))
        torch.testing.assert_close(net.decode(standardised).distance, fields.distance, atol=1e-4, rtol=1e-4)
    for figures in decoded_figures(fields, truth.voxels, truth, truth.distance, net.resolution):
        assert figures.chamfer < 0.7
        assert figures.f_score > 0.75
        assert figures.colour_error < 0.12
    grids = decoded_grids(fields, truth.voxels, truth.distance, net.resolution)
    surface = next(decoded_surfaces(fields, truth.voxels, grids, net.resolution))
    left = (surface.points - data["T_cam_obj"][0, :3, 3].numpy() / data["edge"][0].item()) @ (
        data["T_cam_obj"][0, :3, 0].numpy()
    )
    for side, colour in ((left < -0.1, COLOURS[0]), (left > 0.1, COLOURS[1])):
        assert np.abs(surface.colours[side].mean(axis=0) - colour).max() < 0.15


def test_gradients_reach_every_parameter():
    net = objective()
    torch.stack(list(net(batch()).values())).sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None] == []


def test_the_loss_of_a_batch_is_the_mean_of_its_halves_whatever_their_numbers_of_voxels():
    net, data = objective(), batch(4)
    halves = [net({name: x[rows] for name, x in data.items()}) for rows in (slice(0, 2), slice(2, 4))]
    for name, term in net(data).items():
        torch.testing.assert_close(term, (halves[0][name] + halves[1][name]) / 2, atol=1e-5, rtol=1e-4)


def test_distances_and_colours_in_voxels_are_those_of_the_ball():
    net, data = objective(), batch()
    truth, target = net.truths(data)
    number = truth.voxels.coords[:, 0].long()
    corner = truth.voxels.coords[:, 1:].float() / 16 - 0.5
    offset = (torch.arange(2) + 0.5) / 32
    cells = corner[:, None, None, None] + torch.stack(torch.meshgrid(offset, offset, offset, indexing="ij"), dim=-1)
    edge, T = data["edge"][number], data["T_cam_obj"][number]
    metres = cells * edge[:, None, None, None, None] - T[:, None, None, None, :3, 3]
    radius = object_table().extents[data["object"], 0][number] / 2
    exact = (metres.norm(dim=-1) - radius[:, None, None, None]) / edge[:, None, None, None] * 64 / 3
    inner = exact.abs() < 0.5  # well within the truncation of the stored grid
    assert (target.fields.distance - exact)[inner].abs().max() < 0.15
    x_obj = (metres.mean(dim=(1, 2, 3)) * T[:, :3, 0]).sum(dim=1)
    at_surface = target.near.flatten(1).any(dim=1)
    for side, colour in ((x_obj < -0.013, COLOURS[0]), (x_obj > 0.013, COLOURS[1])):
        found = target.fields.colours[side & at_surface]
        assert len(found) > 5
        assert (found - torch.tensor(colour)).abs().max() < 0.1


def test_voxels_are_chosen_beside_the_surface_too_but_what_is_true_in_them_stays():
    net = objective()
    plain, bent = (net.read(batch(bend=bend)) for bend in (0.0, 0.6))
    assert torch.equal(plain.distance, bent.distance)
    assert {tuple(c) for c in plain.voxels.coords.tolist()} != {tuple(c) for c in bent.voxels.coords.tolist()}


def test_the_draw_of_an_object_depends_on_its_seed_alone():
    voxels = objective().read(batch()).voxels
    first, _ = voxels.counts
    noise, other = (drawn_noise(voxels, torch.tensor([5, seed]), 3) for seed in (6, 7))
    assert torch.equal(noise[:first], other[:first])
    assert not torch.equal(noise[first:], other[first:])


def test_flat_gaussians_on_the_surface_cost_less_than_round_ones_beside_it():
    normals = torch.nn.functional.normalize(torch.randn(200, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    axis = (torch.arange(32) + 0.5) / 32 - 0.5
    grid = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
    distance = ((grid.norm(dim=-1) - 0.3) * 64 / 3)[None, None]
    colour = torch.full((200, 3), 0.7)
    truth = GaussianTruth(distance, normals, colour, 0.3 * normals, torch.arange(200), voxels=200)
    flat = _facing(normals, 0.3, torch.tensor([0.25, 0.25, 0.05]) / 16)
    good = gaussian_losses(flat, truth, 16, GaussianWeights())
    assert good["place"] < 0.05
    assert good["cover"] < 1e-3
    assert good["shape"] < 0.01
    assert good["gaussian_colour"] < 1e-4
    worse = gaussian_losses(_facing(normals, 0.33, torch.full((3,), 0.25 / 16)), truth, 16, GaussianWeights())
    assert worse["place"] > 0.5
    assert worse["cover"] > 0.3


def _facing(normals: torch.Tensor, radius: float, scales: torch.Tensor) -> GaussianCloud:
    """Gaussians with their third axis along the normals."""
    z = torch.tensor([0.0, 0.0, 1.0])
    w = 1 + normals @ z
    quat = torch.nn.functional.normalize(torch.cat([w[:, None], torch.linalg.cross(z.expand_as(normals), normals)], 1))
    count = len(normals)
    sh = torch.full((count, 3), (0.7 - 0.5) / 0.28209479177387814)
    return GaussianCloud(radius * normals, scales.expand(count, 3), quat, torch.full((count,), 0.98), sh)


def test_an_objective_without_truth_says_so():
    with pytest.raises(ValueError, match="without `read`"):
        LatentsObjective(LATENTS)(batch())


def test_cells_as_fine_as_the_true_grid_are_read_from_it():
    field = FieldConfig(cells=4, colour_cells=4)
    net = objective(replace(LATENTS, decoder=replace(LATENTS.decoder, field=field)))
    truth, target = net.truths(batch())
    obj, x, y, z = truth.voxels.coords.long().unbind(dim=1)
    expected = truth.distance[obj, 0, 4 * x + 1, 4 * y + 2, 4 * z + 3].clamp(-1, 1)
    assert torch.equal(target.fields.distance[:, 1, 2, 3], expected)
