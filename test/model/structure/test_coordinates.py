"""From occupancy to voxels: order, pruning, shrinking, and refusals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from seeded import seeded, seeded_voxels
from torch import Tensor

from sam3d_ros.model.structure import EmptyStructureError, fit_voxels, occupied_voxels, prune_interior


def cube(low: tuple[int, int, int], high: tuple[int, int, int], batch: int = 0) -> Tensor:
    """All voxels of a box, both corners included, int32 [N, 4]."""
    ranges = [range(a, b + 1) for a, b in zip(low, high, strict=True)]
    return torch.tensor([(batch, *xyz) for xyz in itertools.product(*ranges)], dtype=torch.int32)


def plain_prune(coords: Tensor) -> list[list[int]]:
    """Voxel by voxel: kept if any of the 27 of its neighbourhood is not in the set."""
    present = set(map(tuple, coords.tolist()))
    steps = list(itertools.product((-1, 0, 1), repeat=3))
    return [
        [b, x, y, z]
        for b, x, y, z in coords.tolist()
        if not all((b, x + i, y + j, z + k) in present for i, j, k in steps)
    ]


def plain_halve(coords: Tensor) -> list[tuple[int, ...]]:
    """Axis by axis in NumPy's float32, as the formulas say."""
    moved = []
    for axis in (1, 2, 3):
        x = coords[:, axis].numpy().astype(np.float32)
        low, high = x.min(), x.max()
        if high == low:
            moved.append(x.astype(int))
            continue
        target = (high - low + 1) / np.float32(2)
        new_low = low + (high - low + 1 - target) / np.float32(2)
        new = np.round((x - low) / (high - low) * (target - 1) + new_low)  # half to even
        moved.append(np.clip(new, int(new_low), int(new_low + target - 1)).astype(int))
    return sorted(set(zip(coords[:, 0].tolist(), *(axis.tolist() for axis in moved), strict=True)))


def test_occupied_voxels_are_those_strictly_above_zero_in_ascending_order_of_batch_x_y_z():
    logits = torch.full((2, 1, 4, 4, 4), -1.0)
    logits[1, 0, 0, 3, 2] = logits[0, 0, 2, 1, 0] = logits[0, 0, 0, 0, 3] = 0.1
    logits[0, 0, 1, 1, 1] = 0.0
    coords = occupied_voxels(logits)
    assert coords.dtype == torch.int32
    assert coords.tolist() == [[0, 0, 0, 3], [0, 2, 1, 0], [1, 0, 3, 2]]


def test_an_object_without_voxels_is_refused_by_its_batch_entry():
    """Trap 49."""
    logits = torch.full((2, 1, 4, 4, 4), -1.0)
    logits[0, 0, 0, 0, 0] = 1
    with pytest.raises(EmptyStructureError, match=r"batch entries \[1\]"):
        occupied_voxels(logits)


def test_no_voxels_at_all_are_refused_by_pruning_and_by_fitting():
    """Trap 49."""
    nothing = torch.zeros(0, 4, dtype=torch.int32)
    with pytest.raises(EmptyStructureError, match="empty"):
        prune_interior(nothing)
    with pytest.raises(EmptyStructureError, match="empty"):
        fit_voxels(nothing, 10)


@pytest.mark.parametrize("count", [1, 40, 300, 480, 512])
def test_pruning_keeps_what_has_an_empty_neighbour_in_the_given_order(count):
    coords = seeded_voxels(f"prune {count}", 8, count)
    order = torch.from_numpy(np.random.RandomState(0).permutation(count))
    assert prune_interior(coords[order]).tolist() == plain_prune(coords[order])


def test_pruning_counts_what_lies_beyond_the_grid_as_empty():
    full = cube((0, 0, 0), (5, 5, 5))
    assert len(prune_interior(full)) == 6**3 - 4**3


def test_pruning_keeps_the_objects_of_a_batch_apart():
    coords = torch.cat([cube((0, 0, 0), (4, 4, 4)), cube((2, 2, 2), (6, 6, 6), batch=1)])
    assert prune_interior(coords).tolist() == plain_prune(coords)


def test_pruning_leaves_its_input_as_it_was():
    coords = cube((0, 0, 0), (3, 3, 3))
    prune_interior(coords)
    assert torch.equal(coords, cube((0, 0, 0), (3, 3, 3)))


def test_voxels_within_the_budget_stay_as_they_are():
    coords = cube((1, 2, 3), (4, 4, 4))
    fitted = fit_voxels(coords, len(coords))
    assert torch.equal(fitted.coords, coords)
    assert fitted.factor == 1


@pytest.mark.parametrize("seed", range(4))
def test_too_many_voxels_are_halved_about_their_centre_and_unique(seed):
    """Trap 7: the factor says that the scale doubles."""
    shape = np.random.RandomState(seed).randint(5, 30, 3)
    low = np.random.RandomState(seed + 10).randint(0, 20, 3)
    coords = cube(tuple(low), tuple(low + shape))
    coords = coords[seeded(f"keep {seed}", len(coords)) > 0]
    fitted = fit_voxels(coords, len(coords) - 1)
    assert fitted.factor == 2
    assert fitted.coords.dtype == torch.int32
    assert [tuple(row) for row in fitted.coords.tolist()] == plain_halve(coords)
    xyz = coords[:, 1:].float()
    assert fitted.centre.tolist() == ((xyz.amin(0) + xyz.amax(0)) / 2).tolist()


def test_a_flat_object_is_halved_without_division_by_zero():
    coords = cube((3, 7, 0), (30, 7, 30))
    fitted = fit_voxels(coords, 500)
    assert [tuple(row) for row in fitted.coords.tolist()] == plain_halve(coords)
    assert set(fitted.coords[:, 2].tolist()) == {7}


def test_what_is_still_too_many_is_thinned_by_the_generator():
    coords = cube((0, 0, 0), (15, 15, 15))
    thinned = [fit_voxels(coords, 100, torch.Generator().manual_seed(seed)).coords for seed in (1, 1, 2)]
    assert torch.equal(thinned[0], thinned[1])
    assert not torch.equal(thinned[0], thinned[2])
    halved = set(plain_halve(coords))
    assert len({tuple(row) for row in thinned[0].tolist()} & halved) == 100


def test_voxels_of_several_objects_are_not_fitted_together():
    coords = torch.cat([cube((0, 0, 0), (1, 1, 1)), cube((0, 0, 0), (1, 1, 1), batch=1)])
    with pytest.raises(ValueError, match="one object at a time"):
        fit_voxels(coords, 4)
