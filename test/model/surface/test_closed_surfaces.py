"""Whatever the signs, the surface is closed and looks outward."""

from __future__ import annotations

import pytest
import torch
from mesh_laws import (
    bordered,
    edges_with_other_than_two_faces,
    fans,
    grid_points,
    side_by_side,
    signed_volume,
    winding_numbers,
)

from sam3d_ros.model.surface import dual, extract_surface, surface_of_sdf

PAIR_SHAPES = ((3, 2, 2), (2, 3, 2), (2, 2, 3))


def all_signs(shape):
    """Every field of signs -1 and +1 of twelve points [4096, *shape]."""
    bits = torch.arange(4096)[:, None] >> torch.arange(12) & 1
    return (1.0 - 2.0 * bits).reshape(-1, *shape)


def assert_closed(surface):
    assert edges_with_other_than_two_faces(surface) == 0
    assert fans(surface) == len(surface.vertices)


def unresolved(cubes, tables):
    """In the place of `without_pinches`: no answer to the ambiguity."""
    return cubes.cases


@pytest.mark.parametrize("between", [1.0, -1.0], ids=["in the open", "in a solid"])
@pytest.mark.parametrize("shape", PAIR_SHAPES)
def test_every_pair_of_neighbouring_cubes_is_closed(shape, between):
    assert_closed(surface_of_sdf(side_by_side(all_signs(shape), between, torch.Generator().manual_seed(0))))


@pytest.mark.parametrize("between", [1.0, -1.0], ids=["in the open", "in a solid"])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_sampled_blocks_of_two_by_two_by_two_cubes_are_closed(share, between):
    generator = torch.Generator().manual_seed(1)
    blocks = (torch.rand(2197, 3, 3, 3, generator=generator) > share) * 2.0 - 1.0
    assert_closed(surface_of_sdf(side_by_side(blocks, between, generator)))


def test_without_the_answer_to_the_ambiguity_edges_have_four_faces(monkeypatch):
    field = side_by_side(all_signs(PAIR_SHAPES[0]), -1.0, torch.Generator().manual_seed(0))
    monkeypatch.setattr(dual, "without_pinches", unresolved)
    assert edges_with_other_than_two_faces(surface_of_sdf(field)) > 0


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_random_fields_are_closed(share):
    generator = torch.Generator().manual_seed(2)
    assert_closed(surface_of_sdf(bordered(torch.rand(40, 40, 40, generator=generator) - share)))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_the_surface_goes_once_around_every_inside_point_and_around_no_other(share):
    sdf = bordered(torch.rand(7, 7, 7, generator=torch.Generator().manual_seed(3)) - share)
    numbers = winding_numbers(surface_of_sdf(sdf), grid_points(8))
    torch.testing.assert_close(numbers, (sdf < 0).reshape(-1).double(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("resolution", [1, 2, 5])
def test_zeros_lie_outside(resolution):
    sdf = torch.zeros(resolution + 1, resolution + 1, resolution + 1)
    assert len(surface_of_sdf(sdf).vertices) == 0


def random_cubes(resolution, share, generator):
    """Some cubes of the middle of a grid, so that the border stays outside, with random channels."""
    cubes = (torch.rand(resolution - 2, resolution - 2, resolution - 2, generator=generator) < share).nonzero() + 1
    return cubes, torch.randn(len(cubes), 101, generator=generator)


@pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
@pytest.mark.parametrize("quad_centres", [False, True])
def test_random_channels_on_some_cubes_give_a_closed_surface(share, quad_centres):
    cubes, channels = random_cubes(20, share, torch.Generator().manual_seed(4))
    surface = extract_surface(cubes, channels, 20, quad_centres=quad_centres)
    assert_closed(surface)
    assert signed_volume(surface) > 0


def test_with_all_weights_but_no_deformation_the_surface_still_parts_inside_from_outside():
    cubes, channels = random_cubes(8, 0.4, torch.Generator().manual_seed(5))
    channels[:, 8:32] = 0
    surface = extract_surface(cubes, channels, 8)
    numbers = winding_numbers(surface, grid_points(8))
    sums, counts = torch.zeros(9, 9, 9), torch.zeros(9, 9, 9)
    for j in range(8):
        x, y, z = (cubes + torch.tensor([j & 1, j >> 1 & 1, j >> 2 & 1])).unbind(1)
        sums.index_put_((x, y, z), channels[:, j] - 1 / 8, accumulate=True)
        counts.index_put_((x, y, z), torch.ones(len(cubes)), accumulate=True)
    torch.testing.assert_close(numbers, ((sums < 0) & (counts > 0)).reshape(-1).double(), atol=1e-5, rtol=0)


def test_a_solid_that_reaches_the_border_of_the_grid_is_open_there():
    cubes = torch.tensor([[0, 1, 1]])
    surface = extract_surface(cubes, -torch.ones(1, 101), 4)
    assert edges_with_other_than_two_faces(surface) > 0


def test_one_active_cube_inside_is_closed_by_the_ring_of_inactive_ones():
    channels = torch.zeros(1, 101)
    channels[:, :8] = -0.75  # with the bias -1
    surface = extract_surface(torch.tensor([[1, 1, 1]]), channels, 4)
    assert len(surface.vertices) == 26
    assert len(surface.faces) == 48
    assert_closed(surface)
    # Crossings half way between -1 and the +1 of the points outside: each vertex on a plane at half a cube's distance.
    reach = (surface.vertices + 0.125).abs().amax(dim=1)
    assert reach.max() <= 0.125 + 0.125 + 1e-6
    torch.testing.assert_close(surface.vertices.mean(dim=0), torch.full((3,), -0.125))
