"""Cells of voxels put together: closed whatever they say, and with the colours of their places."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.measure import marching_cubes

from sam3d_ros.model.surface import colours_at, dense_distance

R, CELLS = 8, 4


def some_places(seed: int = 0) -> torch.Tensor:
    chosen = torch.rand(R, R, R, generator=torch.Generator().manual_seed(seed)) < 0.3
    return torch.argwhere(chosen).int()


def ball(resolution: int, radius: float = 0.3) -> torch.Tensor:
    axis = (torch.arange(resolution) + 0.5) / resolution - 0.5
    return torch.cartesian_prod(axis, axis, axis).norm(dim=1).view(resolution, resolution, resolution) - radius


def test_cells_are_where_their_voxels_are_and_elsewhere_the_side_counts():
    places = some_places()
    distance = torch.randn(len(places), CELLS, CELLS, CELLS)
    grid = dense_distance(places, distance, ball(2 * R), R)
    for (x, y, z), cells in zip((places * CELLS).tolist(), distance, strict=True):
        assert torch.equal(grid[x : x + CELLS, y : y + CELLS, z : z + CELLS], cells)
    beside = torch.ones(R, R, R, dtype=torch.bool)
    beside[tuple(places.long().T)] = False
    sides = ball(2 * R).repeat_interleave(2, 0).repeat_interleave(2, 1).repeat_interleave(2, 2).sign()
    fine = beside.repeat_interleave(CELLS, 0).repeat_interleave(CELLS, 1).repeat_interleave(CELLS, 2)
    assert torch.equal(grid[fine], sides[fine])


def test_a_share_of_the_distance_beside_is_mixed_in():
    places, distance = some_places(), torch.randn(len(some_places()), CELLS, CELLS, CELLS)
    beside = ball(CELLS * R)
    grid = dense_distance(places, distance, beside, R, share=0.25)
    for (x, y, z), cells in zip((places * CELLS).tolist(), distance, strict=True):
        block = np.s_[x : x + CELLS, y : y + CELLS, z : z + CELLS]
        torch.testing.assert_close(grid[block], 0.25 * cells + 0.75 * beside[block])


def test_a_ball_in_pieces_is_the_ball():
    fine = ball(R * CELLS)
    blocks = fine.view(R, CELLS, R, CELLS, R, CELLS)
    near = blocks.abs().amin(dim=(1, 3, 5)) < 0.05
    places = torch.argwhere(near).int()
    x, y, z = places.long().T
    grid = dense_distance(places, blocks[x, :, y, :, z, :], ball(2 * R), R)
    near_cells = fine.abs() < 0.05
    assert torch.equal(grid[near_cells], fine[near_cells])


@pytest.mark.parametrize("seed", range(3))
def test_the_surface_of_any_cells_is_closed(seed):
    places = some_places(seed)
    distance = torch.randn(len(places), CELLS, CELLS, CELLS, generator=torch.Generator().manual_seed(seed))
    grid = dense_distance(places, distance, torch.ones(R, R, R), R).numpy()
    _, faces, _, _ = marching_cubes(np.pad(grid, 1, constant_values=1.0), 0.0, allow_degenerate=True)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    forward = {tuple(edge) for edge in edges.tolist()}
    assert all((b, a) in forward for a, b in forward)


def test_sides_on_a_finer_grid_are_those_of_its_means():
    places = torch.zeros(1, 3, dtype=torch.int32)
    grid = dense_distance(places, torch.zeros(1, 1, 1, 1), ball(4 * R), R)
    assert (grid[1:] == ball(4 * R).view(R, 4, R, 4, R, 4).mean(dim=(1, 3, 5))[1:].sign()).all()


def test_sides_on_a_grid_that_does_not_fit_are_refused():
    with pytest.raises(ValueError, match="take a divisor"):
        dense_distance(some_places(), torch.zeros(len(some_places()), 2, 2, 2), torch.ones(3, 3, 3), R)


def test_colours_come_out_where_they_are_and_linear_in_between():
    places = torch.cartesian_prod(*[torch.arange(R)] * 3).int()
    axis = (torch.arange(2 * R) + 0.5) / (2 * R)
    dense = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)  # red grows along x, and so on
    x, y, z = places.long().T
    colours = dense.view(R, 2, R, 2, R, 2, 3)[x, :, y, :, z, :, :]
    points = 0.8 * (torch.rand(50, 3, generator=torch.Generator().manual_seed(1)) - 0.5)
    torch.testing.assert_close(colours_at(points, places, colours, R), points + 0.5, atol=1e-5, rtol=0)


def test_cells_of_no_voxel_leave_colours_alone_and_far_points_have_the_mean():
    places = torch.tensor([[2, 2, 2], [6, 6, 6]], dtype=torch.int32)
    colours = torch.zeros(2, 2, 2, 2, 3)
    colours[0], colours[1] = 0.25, 0.75
    at_first = (torch.tensor([[2.02, 2.5, 2.97]]) / R) - 0.5
    torch.testing.assert_close(colours_at(at_first, places, colours, R), torch.full((1, 3), 0.25))
    torch.testing.assert_close(
        colours_at(torch.tensor([[0.4, -0.4, 0.4]]), places, colours, R), torch.full((1, 3), 0.5)
    )
