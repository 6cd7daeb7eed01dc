"""Attention in groups against one mask over all pairs of voxels."""

from __future__ import annotations

import pytest
import torch
from dense_reference import attended, some_coords

from sam3d_ros.model.sparse import Voxels, attend_objects, attend_windows


def qkv(count, *, heads=2, width=8):
    return torch.randn(count, 3, heads, width, generator=torch.Generator().manual_seed(0))


def group_numbers(coords, edge, shift):
    cells = torch.cat([coords[:, :1], (coords[:, 1:] + shift) // edge], dim=1)
    return torch.unique(cells, dim=0, return_inverse=True)[1]


def window_members(windows):
    """Rows of the voxels of each window."""
    return {
        frozenset(rows[filled].tolist())
        for bucket in windows.buckets
        for rows, filled in zip(bucket.rows, bucket.filled, strict=True)
    }


@pytest.mark.parametrize("shift", [0, 4])
@pytest.mark.parametrize("counts", [(1,), (400,), (300, 5, 40)])
def test_voxels_attend_to_those_of_their_window_and_object_alone(counts, shift):
    voxels = Voxels(some_coords(counts, grid=20))
    packed = qkv(len(voxels))
    answer = attend_windows(packed, voxels.windows(8, shift))
    torch.testing.assert_close(answer, attended(*packed.unbind(1), group_numbers(voxels.coords, 8, shift)))


def test_windows_of_very_different_sizes_are_a_partition():
    coords = torch.cat([some_coords((500,), grid=8), torch.tensor([[0, 20, 20, 20], [0, 9, 0, 0]])])
    members = window_members(Voxels(coords).windows(8, 0))
    assert sorted(len(rows) for rows in members) == [1, 1, 500]
    assert set().union(*members) == set(range(502))


def test_the_shift_is_added_before_the_division_and_does_not_wrap_around():
    coords = torch.tensor([[0, 0, 0, 0], [0, 3, 0, 0], [0, 4, 0, 0], [0, 11, 0, 0], [0, 12, 0, 0], [0, 15, 0, 0]])
    voxels = Voxels(coords)
    assert window_members(voxels.windows(8, 0)) == {frozenset({0, 1, 2}), frozenset({3, 4, 5})}
    # Subtracting 4, or rolling the grid, would put the last two to the first two.
    assert window_members(voxels.windows(8, 4)) == {frozenset({0, 1}), frozenset({2, 3}), frozenset({4, 5})}


def test_windows_are_found_once_for_each_shift():
    voxels = Voxels(some_coords())
    assert voxels.windows(4, 2) is voxels.windows(4, 2)
    assert voxels.windows(4, 2) is not voxels.windows(4, 0)


@pytest.mark.parametrize("counts", [(50,), (30, 1, 60)])
def test_voxels_attend_to_all_of_their_object_alone(counts):
    voxels = Voxels(some_coords(counts))
    q, k, v = qkv(len(voxels)).unbind(1)
    answer = attend_objects(q, k, v, voxels.counts)
    torch.testing.assert_close(answer, attended(q, k, v, voxels.coords[:, 0]))


def test_padding_has_no_part_in_the_gradient():
    voxels = Voxels(some_coords((100,), grid=12))
    packed = qkv(len(voxels)).requires_grad_()
    weight = torch.randn(100, 16, generator=torch.Generator().manual_seed(1))
    (ours,) = torch.autograd.grad((attend_windows(packed, voxels.windows(8, 4)) * weight).sum(), packed)
    reference = attended(*packed.unbind(1), group_numbers(voxels.coords, 8, 4))
    (theirs,) = torch.autograd.grad((reference * weight).sum(), packed)
    torch.testing.assert_close(ours, theirs)
