"""Both fields say the same side, and space that was seen through is never inside."""

import numpy as np
import pytest
import torch

from sam3d_ros.model.preprocess.observed import VoxelState
from sam3d_ros.model.structure import StructureFields, reconciled
from sam3d_ros.pipeline.sam3d.cube_surface import cube_surface


def solid_ball(resolution=32, radius=0.35):
    axis = (torch.arange(resolution) + 0.5) / resolution - 0.5
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    distance = (((x**2 + y**2 + z**2).sqrt() - radius)[None, None] * 64 / 3).clamp(-1, 1)
    return StructureFields(-4 * distance, distance), x


def test_a_half_that_was_seen_through_is_cut_away():
    fields, x = solid_ball()
    observed = torch.where(x[None] > 0, VoxelState.FREE, VoxelState.BEHIND).to(torch.uint8)
    surface = cube_surface(reconciled(fields, observed).distance[0, 0].numpy())
    assert surface.vertices[:, 0].max() < 0.5 / 32
    assert surface.vertices[:, 0].min() == pytest.approx(-0.35, abs=0.01)


def test_all_else_is_as_it_was():
    fields, x = solid_ball()
    observed = torch.where(x[None] > 0, VoxelState.FREE, VoxelState.NO_READING).to(torch.uint8)
    cut = reconciled(fields, observed)
    kept = (observed != VoxelState.FREE)[:, None]
    for before, after in zip(fields, cut, strict=True):
        torch.testing.assert_close(after[kept], before[kept], rtol=0, atol=0)
        outside = ~kept & (fields.distance > 0.9)
        torch.testing.assert_close(after[outside], before[outside], rtol=0, atol=0)


def test_a_surface_in_its_measured_place_stays_there():
    """Free space reaches to 1.5 voxels before what was measured: a right answer is not touched."""
    fields, _ = solid_ball()
    observed = torch.where(fields.distance[:, 0] * 3 / 2 > 1.5, VoxelState.FREE, VoxelState.NEAR).to(torch.uint8)
    cut = reconciled(fields, observed)
    before, after = (cube_surface(field.distance[0, 0].numpy()) for field in (fields, cut))
    np.testing.assert_array_equal(after.vertices, before.vertices)


def test_fields_without_a_distance():
    logits = torch.full((1, 1, 4, 4, 4), 3.0)
    cut = reconciled(StructureFields(logits, None), torch.full((1, 4, 4, 4), VoxelState.FREE, dtype=torch.uint8))
    assert cut.distance is None
    assert cut.logits.max() < 0


def test_other_grids_are_refused():
    with pytest.raises(ValueError, match="4, 4, 4"):
        reconciled(StructureFields(torch.zeros(1, 1, 8, 8, 8), None), torch.zeros(1, 4, 4, 4, dtype=torch.uint8))


def test_sides_are_those_of_the_logits():
    fields, _ = solid_ball()
    torn = StructureFields(fields.logits, fields.distance.abs())  # nothing inside, as in a thin wall
    mended = reconciled(torn, torch.full((1, 32, 32, 32), VoxelState.NO_READING, dtype=torch.uint8))
    torch.testing.assert_close(mended.distance < 0, fields.distance < 0)
    torch.testing.assert_close(mended.distance, fields.distance)  # no step where the sides differed


def test_distances_of_each_object_follow_its_own_logits():
    fields, _ = solid_ball()
    two = StructureFields(torch.cat([fields.logits, 3 * fields.logits]), fields.distance.repeat(2, 1, 1, 1, 1))
    mended = reconciled(two, torch.full((2, 32, 32, 32), VoxelState.NO_READING, dtype=torch.uint8))
    torch.testing.assert_close(mended.distance, two.distance)


def test_logits_alone_tell_where_no_distance_agrees():
    logits = torch.linspace(-4, 4, 64).reshape(1, 1, 4, 4, 4)
    against = StructureFields(logits, logits.sign() * 0.5)
    mended = reconciled(against, torch.full((1, 4, 4, 4), VoxelState.NO_READING, dtype=torch.uint8))
    torch.testing.assert_close(mended.distance < 0, logits > 0)
    assert bool((mended.distance.flatten().diff() <= 0).all())


def column(*states):
    """Logits and distances of a network that is slightly on the outer side everywhere, on voxels along z."""
    observed = torch.tensor(states, dtype=torch.uint8)[None, None, None]
    return StructureFields(
        torch.full((1, 1, 1, 1, len(states)), -1.0), torch.full((1, 1, 1, 1, len(states)), 0.1)
    ), observed


SEEN = (VoxelState.FREE, *[VoxelState.NEAR] * 3, *[VoxelState.BEHIND] * 3)


def test_a_seen_surface_has_something_behind_it_and_nothing_before_it():
    fields, observed = column(*SEEN)
    inside = (reconciled(fields, observed).distance < 0).flatten().tolist()
    assert inside == [False, False, False, True, True, False, False]
    turned = StructureFields(-fields.logits, -fields.distance)
    inside = (reconciled(turned, observed).distance < 0).flatten().tolist()
    assert inside == [False, False, True, True, True, True, True]


def test_a_surface_that_is_clearly_elsewhere_stays_there():
    fields, observed = column(*SEEN)
    sure = StructureFields(fields.logits, 4 * fields.distance)
    assert bool((reconciled(sure, observed).distance > 0).all())


def test_an_undecided_network_is_taken_at_its_word_only_where_something_was_seen():
    undecided = StructureFields(torch.full((1, 1, 4, 4, 4), -0.3), torch.full((1, 1, 4, 4, 4), 0.2))
    inside = {}
    for state in VoxelState:
        observed = torch.full((1, 4, 4, 4), state, dtype=torch.uint8)
        inside[state] = bool((reconciled(undecided, observed).distance < 0).any())
    assert [state for state in VoxelState if inside[state]] == [VoxelState.BEHIND, VoxelState.OUTSIDE]
