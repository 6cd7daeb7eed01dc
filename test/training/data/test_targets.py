"""Cubes are placed by the observation alone, and truth and observation in them agree."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sam3d_ros.model.preprocess.cube import ViewCubes, view_cubes
from sam3d_ros.model.preprocess.observed import VoxelState, observe
from sam3d_ros.training.data.arranging import SceneKind
from sam3d_ros.training.data.batches import ViewBatch
from sam3d_ros.training.data.targets import DistanceVolumes, signed_distance, surface_in_cube
from sam3d_ros.training.data.views import scene_views


@pytest.fixture(scope="module")
def scene(store):
    views = [v for seed in range(40, 46) for v in scene_views(store, store.ids(), SceneKind.ISOLATED, seed, 2)]
    batch = ViewBatch.of(views)
    return batch, view_cubes(batch.depth, batch.mask, batch.crop), [store.get(name) for name in batch.object_ids]


def _ball(radius=0.05, centre=(0.05, -0.02, 0.7)):
    """Depth, mask and intrinsics of a ball [1, 160, 160]."""
    intrinsics = torch.tensor([[600.0, 600.0, 60.0, 90.0]])
    v, u = torch.meshgrid(torch.arange(160.0), torch.arange(160.0), indexing="ij")
    rays = torch.stack([(u - 60) / 600, (v - 90) / 600, torch.ones_like(u)], dim=-1)
    c = torch.tensor(centre)
    a, b = (rays * rays).sum(-1), rays @ c
    root = b * b - a * (c @ c - radius**2)
    depth = torch.where(root > 0, (b - root.clamp(min=0).sqrt()) / a, 0.0)
    return depth[None], (root > 0)[None], intrinsics, c


def test_the_cube_of_a_ball_looks_at_it_and_holds_it():
    depth, mask, intrinsics, centre = _ball()
    cubes = view_cubes(depth, mask, intrinsics)
    assert cubes.valid.all()
    z = cubes.T_cam_cube[0, :3, 2]
    assert torch.dot(z, centre / centre.norm()) > 0.9999
    assert 0.125 < cubes.edge[0] < 0.16  # 1.45 widths
    p_cube = cubes.to_cube(centre[None, None])[0, 0]
    assert p_cube[:2].abs().max() < 0.02
    assert (p_cube.abs() + 0.05 / cubes.edge[0] < 0.5).all()


def test_up_in_the_image_is_up_in_the_cube():
    depth, mask, intrinsics, _ = _ball()
    rotation = view_cubes(depth, mask, intrinsics).T_cam_cube[0, :3, :3]
    assert rotation[1, 1] > 0.99
    assert torch.linalg.det(rotation) == pytest.approx(1, abs=1e-5)


def test_stray_points_hardly_move_the_cube():
    depth, mask, intrinsics, _ = _ball()
    clean = view_cubes(depth, mask, intrinsics)
    stray = torch.rand(depth.shape, generator=torch.Generator().manual_seed(0)) < 0.06
    dirty = view_cubes(torch.where(stray & mask, 1.6, depth), mask, intrinsics)
    assert dirty.edge[0] == pytest.approx(float(clean.edge[0]), rel=0.1)
    assert (dirty.T_cam_cube - clean.T_cam_cube).abs().max() < 0.01


def test_without_depth_a_cube_is_marked_as_a_guess():
    depth, mask, intrinsics, _ = _ball()
    cubes = view_cubes(torch.zeros_like(depth), mask, intrinsics)
    assert not cubes.valid.any()
    assert torch.isfinite(cubes.T_cam_cube).all()
    assert cubes.edge.min() > 0


def test_to_cam_and_to_cube_are_inverse(scene):
    batch, cubes, _ = scene
    points = torch.rand(len(batch.depth), 20, 3) - 0.5
    torch.testing.assert_close(cubes.to_cube(cubes.to_cam(points)), points, atol=1e-5, rtol=0)


def test_most_of_an_isolated_object_lies_in_its_cube(scene):
    batch, cubes, objects = scene
    points = surface_in_cube(cubes, batch.T_cam_obj, objects, 1000).points
    inside = (points.abs() < 0.5).all(dim=-1).float().mean(dim=1)
    assert inside.median() > 0.99


def test_surface_points_have_distance_zero_and_their_normals_lead_outwards(scene):
    batch, cubes, objects = scene
    truth = surface_in_cube(cubes, batch.T_cam_obj, objects, 500)
    volumes = DistanceVolumes.of(objects)
    for step, sign in ((0.0, 0), (0.02, 1)):
        p_cam = cubes.to_cam(truth.points + step * truth.normals)
        p_obj = (p_cam - batch.T_cam_obj[:, None, :3, 3]) @ batch.T_cam_obj[:, :3, :3]
        distance = volumes.at(p_obj[:, :, None, None])[:, :, 0, 0] / cubes.edge[:, None]
        assert (distance.abs().median() < 0.006) if not sign else ((distance > 0).float().mean() > 0.93)


def test_the_volume_is_the_distance_at_voxel_centres(scene):
    """A plain walk over some voxels gives what the batched volume holds."""
    batch, cubes, objects = scene
    volumes = DistanceVolumes.of(objects)
    volume = signed_distance(cubes, batch.T_cam_obj, volumes, 16)
    for x, y, z in ((3, 8, 9), (8, 8, 5), (12, 2, 15)):
        centre = (torch.tensor([x, y, z]) + 0.5) / 16 - 0.5
        p_cam = cubes.to_cam(centre.expand(len(batch.depth), 1, 3))
        p_obj = (p_cam - batch.T_cam_obj[:, None, :3, 3]) @ batch.T_cam_obj[:, :3, :3]
        expected = volumes.at(p_obj[:, :, None, None])[:, 0, 0, 0] / cubes.edge
        torch.testing.assert_close(volume[:, x, y, z], expected, atol=1e-4, rtol=1e-3)


def test_what_is_seen_through_is_hardly_ever_inside_the_object(scene):
    batch, cubes, objects = scene
    distance = signed_distance(cubes, batch.T_cam_obj, DistanceVolumes.of(objects), 32)
    _, state = observe(cubes, batch.depth, batch.mask, batch.crop, resolution=32)
    free = state == VoxelState.FREE
    deep = distance < -1.5 / 32
    assert (free & deep).sum() < 0.02 * deep.sum()
    near = state == VoxelState.NEAR
    assert distance[near].abs().median() < 2 / 32
    assert (distance[state == VoxelState.OUTSIDE] < -1 / 32).float().mean() < 0.03


def test_observation_follows_a_plain_walk_over_voxels():
    depth, mask, intrinsics, _ = _ball()
    depth[0, 70:74, 90:94] = 0  # a hole
    cubes = view_cubes(depth, mask, intrinsics)
    ray, state = observe(cubes, depth, mask, intrinsics, resolution=12)
    for index in np.ndindex(12, 12, 12):
        p = cubes.to_cam(((torch.tensor(index) + 0.5) / 12 - 0.5)[None, None])[0, 0]
        u, v = round(float(p[0] / p[2] * 600 + 60)), round(float(p[1] / p[2] * 600 + 90))
        if not (0 <= u < 160 and 0 <= v < 160):
            assert state[0][index] == VoxelState.OUTSIDE
            continue
        read, masked = float(depth[0, v, u]), bool(mask[0, v, u])
        gap = (read - float(p[2])) * float(p.norm() / p[2]) / float(cubes.edge[0])
        if abs(abs(gap) - 1.5 / 12) < 1e-4:
            continue
        if read == 0:
            expected = VoxelState.NO_READING if masked else VoxelState.OUTSIDE
        elif gap > 1.5 / 12:
            expected = VoxelState.FREE
        elif not masked:
            expected = VoxelState.OUTSIDE
        else:
            expected = VoxelState.NEAR if gap >= -1.5 / 12 else VoxelState.BEHIND
        assert state[0][index] == expected
        assert float(ray[0][index]) == pytest.approx(np.clip(gap, -4 / 12, 4 / 12) if read else 4 / 12, abs=1e-4)


def test_a_batch_gives_what_its_parts_give(scene):
    batch, cubes, _ = scene
    one = view_cubes(batch.depth[2:3], batch.mask[2:3], batch.crop[2:3])
    torch.testing.assert_close(one.T_cam_cube, cubes.T_cam_cube[2:3])
    whole = observe(cubes, batch.depth, batch.mask, batch.crop, resolution=16)[1]
    part = ViewCubes(cubes.T_cam_cube[2:3], cubes.edge[2:3], cubes.valid[2:3])
    alone = observe(part, batch.depth[2:3], batch.mask[2:3], batch.crop[2:3], resolution=16)[1]
    assert (whole[2:3] == alone).float().mean() > 0.999  # rounding of pixels may differ by batch
