"""What voxels are accepted, and in which form."""

from __future__ import annotations

import pytest
import torch
from dense_reference import some_coords, some_voxels

from sam3d_ros.model.sparse import SparseTensor, Voxels


@pytest.mark.parametrize(
    ("coords", "objects", "message"),
    [
        (torch.zeros(0, 4, dtype=torch.int32), None, "no voxels at all"),
        (torch.zeros(3, 3, dtype=torch.int32), None, r"\[N, 4\]"),
        (torch.zeros(3, 4), None, "whole numbers"),
        (torch.tensor([[1, 0, 0, 0], [0, 0, 0, 0]]), None, "sorted by object"),
        (torch.tensor([[0, 0, -2, 0]]), None, "-2"),
        (torch.tensor([[0, 0, 0, 0], [2, 0, 0, 0]]), None, r"\[1, 0, 1\]"),
        (torch.tensor([[0, 0, 0, 0]]), 2, "2 objects"),
        (torch.tensor([[0, 0, 0, 0], [1, 0, 0, 0]]), 1, "1 objects"),
    ],
)
def test_other_voxels_are_refused_with_the_reason(coords, objects, message):
    with pytest.raises(ValueError, match=message):
        Voxels(coords, objects)


def test_a_place_that_is_listed_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        _ = Voxels(torch.tensor([[0, 1, 2, 3], [0, 0, 0, 0], [0, 1, 2, 3]])).neighbours


def test_features_must_have_a_row_for_each_voxel():
    with pytest.raises(ValueError, match="40 voxels"):
        SparseTensor(some_voxels(2).voxels, torch.zeros(39, 2))


def test_objects_come_apart_in_their_order():
    x = some_voxels(2, (3, 5))
    (places, features), (other_places, other_features) = x.per_object()
    assert (len(places), len(other_places)) == (3, 5)
    assert torch.equal(torch.cat([places, other_places]), x.coords[:, 1:])
    assert torch.equal(torch.cat([features, other_features]), x.features)


def test_values_of_an_object_reach_all_its_voxels():
    voxels = Voxels(some_coords((2, 3)))
    assert voxels.spread(torch.tensor([[1.0], [2.0]]))[:, 0].tolist() == [1, 1, 2, 2, 2]


def test_neighbours_are_found_once():
    voxels = Voxels(some_coords())
    assert voxels.neighbours is voxels.neighbours
