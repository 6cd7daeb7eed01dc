"""A ball and a box come out where they are."""

from __future__ import annotations

import pytest
import torch
import trimesh
from mesh_laws import edges_with_other_than_two_faces, grid_points, signed_volume

from sam3d_ros.geometry.metrics import chamfer_distance, nearest_distances
from sam3d_ros.model.surface import extract_surface, surface_of_sdf

CENTRE = torch.tensor([0.03, -0.02, 0.01])


def ball(points):
    return (points - CENTRE).norm(dim=-1) - 0.31


def box(points):
    beyond = (points - CENTRE).abs() - torch.tensor([0.3, 0.2, 0.35])
    return beyond.clamp(min=0).norm(dim=-1) + beyond.amax(dim=-1).clamp(max=0)


def true_mesh(shape):
    if shape is ball:
        mesh = trimesh.creation.icosphere(subdivisions=5, radius=0.31)
    else:
        mesh = trimesh.creation.box(extents=(0.6, 0.4, 0.7))
    return mesh.apply_translation(CENTRE.numpy())


def shell(shape, resolution):
    """Cubes near the surface, and raw channels that say its distance (the bias taken back)."""
    cubes = torch.cartesian_prod(*[torch.arange(resolution)] * 3)
    cubes = cubes[shape((cubes + 0.5) / resolution - 0.5).abs() < 1.5 / resolution]
    channels = torch.zeros(len(cubes), 101)
    for j in range(8):
        corner = torch.tensor([j & 1, j >> 1 & 1, j >> 2 & 1])
        channels[:, j] = shape((cubes + corner) / resolution - 0.5) + 1 / resolution
    return cubes, channels


def chamfer(surface, shape):
    mesh = trimesh.Trimesh(surface.vertices.numpy(), surface.faces.numpy(), process=False)
    samples = [trimesh.sample.sample_surface(m, 40_000, seed=0)[0] for m in (mesh, true_mesh(shape))]
    return chamfer_distance(*samples)


@pytest.mark.parametrize("shape", [ball, box])
@pytest.mark.parametrize("resolution", [16, 32])
def test_a_grid_of_distances_gives_the_shape_within_half_a_voxel(shape, resolution):
    surface = surface_of_sdf(shape(grid_points(resolution)).reshape((resolution + 1,) * 3))
    assert edges_with_other_than_two_faces(surface) == 0
    assert chamfer(surface, shape) < 0.5 / resolution
    assert signed_volume(surface) == pytest.approx(true_mesh(shape).volume, rel=0.06)
    assert surface.colours.shape == (len(surface.vertices), 0)


@pytest.mark.parametrize("shape", [ball, box])
def test_raw_channels_of_a_shell_give_the_surface_of_the_grid_and_an_inner_wall(shape):
    cubes, channels = shell(shape, 32)
    surface = extract_surface(cubes, channels, 32)
    assert edges_with_other_than_two_faces(surface) == 0
    assert shape(surface.vertices).max() < 0.5 / 32
    # Points within the shell that have no cube count as outside: a second wall closes the shell towards them.
    expected = surface_of_sdf(shape(grid_points(32)).reshape(33, 33, 33))
    assert len(surface.vertices) > len(expected.vertices)
    assert nearest_distances(expected.vertices, surface.vertices).max() < 1e-6


def test_the_bias_of_one_voxel_grows_the_shape_by_one_voxel():
    cubes, channels = shell(ball, 32)
    channels[:, :8] -= 1 / 32
    surface = extract_surface(cubes, channels, 32)
    radius = (surface.vertices - CENTRE).norm(dim=1)
    assert radius.max() == pytest.approx(0.31 + 1 / 32, abs=0.5 / 32)
    assert radius[radius > 0.31].mean() == pytest.approx(0.31 + 1 / 32, abs=0.1 / 32)


def test_a_vertex_has_the_colour_of_its_place():
    cubes, channels = shell(ball, 32)
    for j in range(8):
        corner = torch.tensor([j & 1, j >> 1 & 1, j >> 2 & 1])
        channels[:, 53 + 6 * j : 56 + 6 * j] = torch.logit((cubes + corner) / 32)
    channels[:, 53:] = channels[:, 53:].clamp(-20, 20)
    surface = extract_surface(cubes, channels, 32)
    outer = ball(surface.vertices) > -0.5 / 32
    torch.testing.assert_close(surface.colours[outer], surface.vertices[outer] + 0.5, atol=1e-5, rtol=0)


def test_all_corners_moved_alike_move_the_surface():
    cubes, channels = shell(ball, 32)
    still = extract_surface(cubes, channels, 32).vertices
    channels[:, 8:32] = torch.atanh(torch.tensor([0.5, 0.0, -0.5])).repeat(8)
    pushed = extract_surface(cubes, channels, 32).vertices
    outer = ball(still) > -0.5 / 32  # an inner wall reaches to points without cubes, which stay
    step = torch.tensor([0.5, 0.0, -0.5]) / 64
    torch.testing.assert_close(pushed[outer] - still[outer], step.expand(int(outer.sum()), 3), atol=1e-6, rtol=0)
