"""What is told of voxels: the pixels that they project to, measured depth, stage 1's fields."""

from __future__ import annotations

import pytest
import torch

from sam3d_ros.model.preprocess.cube import ViewCubes
from sam3d_ros.model.preprocess.object_view import Picture
from sam3d_ros.model.preprocess.observed import VoxelState, observe
from sam3d_ros.model.refinement import VOXEL_FEATURES, active_voxels, voxel_features
from sam3d_ros.model.sparse import Voxels
from sam3d_ros.model.structure import StructureFields

R = 8  # of stage 1; voxels are those of 4
DISTANCE = 0.6  # m to the centre of a cube of 0.2 m


def cubes(objects: int = 1) -> ViewCubes:
    T = torch.eye(4).repeat(objects, 1, 1)
    T[:, 2, 3] = DISTANCE
    return ViewCubes(T, torch.full((objects,), 0.2), torch.ones(objects, dtype=torch.bool))


def picture(objects: int = 1) -> Picture:
    """Left half red and right half green, a wall through the middle of the cube, the mask in the upper half."""
    color = torch.zeros(objects, 3, 40, 40)
    color[:, 0, :, :20] = 1.0
    color[:, 1, :, 20:] = 1.0
    depth = torch.full((objects, 40, 40), DISTANCE)
    depth[:, :, 30:] = 0.0
    mask = torch.zeros(objects, 40, 40, dtype=torch.bool)
    mask[:, :20] = True
    return Picture(color, depth, mask, torch.tensor([[90.0, 90.0, 19.5, 19.5]]).repeat(objects, 1))


def fields(objects: int = 1) -> StructureFields:
    generator = torch.Generator().manual_seed(0)
    logits, distance = (torch.randn(objects, 1, R, R, R, generator=generator) for _ in range(2))
    return StructureFields(logits, distance)


def all_voxels(objects: int = 1) -> Voxels:
    return Voxels(torch.argwhere(torch.ones(objects, R // 2, R // 2, R // 2)).int())


def dense(features: torch.Tensor) -> torch.Tensor:
    """[8, R, R, R]: number by number, of the first object."""
    first = features[: (R // 2) ** 3].view(R // 2, R // 2, R // 2, 2, 2, 2, 8)
    return first.permute(6, 0, 3, 1, 4, 2, 5).reshape(8, R, R, R)


def test_features_of_cells_are_what_is_in_their_pixels_and_in_stage_1():
    voxels, said = all_voxels(), fields()
    features = voxel_features(voxels, said, cubes(), picture())
    assert features.shape == (len(voxels), VOXEL_FEATURES)
    red, green, _, masked, known, ray, distance, occupied = dense(features)
    assert (red[: R // 2] == 1).all()  # x to the right
    assert (red[R // 2 :] == -1).all()
    assert (green[R // 2 :] == 1).all()
    assert (masked[:, : R // 2] == 1).all()  # y down
    assert (masked[:, R // 2 :] == 0).all()
    assert (known[-1] == 0).all()
    assert (ray[-1] == 1).all()
    assert (known[2] == 1).all()
    assert (ray[2, :, :4] > 0).all()  # z away: before the wall, then behind it
    assert (ray[2, :, 4:] < 0).all()
    torch.testing.assert_close(distance, said.distance[0, 0].clamp(-2, 2))
    torch.testing.assert_close(occupied, said.logits[0, 0].sigmoid() * 2 - 1)


def test_distances_along_the_ray_are_those_of_the_observed_volume():
    features = voxel_features(all_voxels(), fields(), cubes(), picture())
    crop = picture()
    expected, state = observe(cubes(), crop.depth, crop.mask, crop.intrinsics, resolution=R)
    torch.testing.assert_close(dense(features)[5] * 4 / R, expected[0], atol=1e-5, rtol=0)
    masked = dense(features)[3] > 0
    assert masked[state[0] == VoxelState.BEHIND].all()


def test_objects_of_a_batch_get_the_features_that_each_gets_alone():
    both = voxel_features(all_voxels(2), fields(2), cubes(2), picture(2))
    said = fields(2)
    second = StructureFields(said.logits[1:], said.distance[1:])
    torch.testing.assert_close(both[(R // 2) ** 3 :], voxel_features(all_voxels(), second, cubes(), picture()))


def test_fields_without_a_distance_are_refused():
    with pytest.raises(ValueError, match="no signed distance"):
        voxel_features(all_voxels(), StructureFields(fields().logits, None), cubes(), picture())


def test_active_are_voxels_at_the_surface_those_asked_for_and_always_one():
    distance = torch.ones(3, 1, R, R, R)
    distance[0, 0, 2, 3, 4] = -0.9  # a change of sign within voxel 1, 1, 2
    distance[1, 0, 5, 0, 0] = 0.2
    distance[2, 0, 7, 7, 7] = 0.9  # nearest, though not near
    also = torch.zeros(3, 1, R, R, R, dtype=torch.bool)
    also[1, 0, 0, 0, 7] = True
    found = active_voxels(distance, R // 2, also=also).coords.tolist()
    assert found == [[0, 1, 1, 2], [1, 0, 0, 3], [1, 2, 0, 0], [2, 3, 3, 3]]
