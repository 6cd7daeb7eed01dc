"""Down and up by a factor of two."""

from __future__ import annotations

import pytest
import torch
from dense_reference import objects_of, repeated, some_voxels

from sam3d_ros.model.sparse import SparseTensor, downsample, upsample


def pooled_by_hand(x):
    """Places and features of the cells, sorted, with sums divided by one more than the voxels in them."""
    cells: dict[tuple[int, ...], list[torch.Tensor]] = {}
    for (index, *place), features in zip(x.coords.tolist(), x.features, strict=True):
        cells.setdefault((index, *(p // 2 for p in place)), []).append(features)
    places = sorted(cells)
    return torch.tensor(places), torch.stack([sum(cells[place]) / (len(cells[place]) + 1) for place in places])


def test_pooling_divides_by_one_more_than_the_number_of_voxels():
    coords = torch.tensor([[0, 0, 0, 0], [0, 0, 0, 1], [0, 2, 2, 2]])
    pooled = downsample(SparseTensor.of(coords, torch.tensor([[6.0], [6.0], [6.0]])))
    assert pooled.features[:, 0].tolist() == [4.0, 3.0]


@pytest.mark.parametrize("counts", [(1,), (100,), (40, 3, 90)])
def test_cells_are_sorted_by_object_and_place(counts):
    x = some_voxels(3, counts)
    places, features = pooled_by_hand(x)
    pooled = downsample(x)
    assert torch.equal(pooled.coords, places.int())
    torch.testing.assert_close(pooled.features, features)


def test_objects_are_pooled_each_on_its_own():
    x = some_voxels(3, (40, 60))
    alone = torch.cat([downsample(part).features for part in objects_of(x)])
    torch.testing.assert_close(downsample(x).features, alone)


def test_upsampling_gives_every_voxel_back_its_cell_in_the_original_order():
    x = some_voxels(3, (40, 60))
    coarse = downsample(x)
    rows = {tuple(place): row for row, place in enumerate(coarse.coords.tolist())}
    wanted = [rows[index, a // 2, b // 2, c // 2] for index, a, b, c in x.coords.tolist()]
    back = upsample(coarse, x.voxels)
    assert torch.equal(back.coords, x.coords)
    assert torch.equal(back.features, coarse.features[wanted])


def test_upsampling_to_other_voxels_is_refused():
    with pytest.raises(ValueError, match="not the halved grid"):
        upsample(some_voxels(3, (5,)), some_voxels(3, (60,), seed=1).voxels)


def test_the_halved_grid_is_found_once():
    voxels = some_voxels(1).voxels
    assert voxels.halved[0] is voxels.halved[0]


def test_children_are_listed_with_z_fastest():
    x = some_voxels(1, (20, 10))
    assert torch.equal(x.voxels.subdivided().coords, repeated(x).coords)


def test_gradients_pass_down_and_up():
    x = some_voxels(2, (30,))
    features = x.features.requires_grad_()
    (gradient,) = torch.autograd.grad(upsample(downsample(x), x.voxels).features.sum(), features)
    inside = torch.bincount(x.voxels.halved[1])[x.voxels.halved[1]]  # voxels in the cell of each
    torch.testing.assert_close(gradient, (inside / (inside + 1))[:, None].expand(-1, 2))
