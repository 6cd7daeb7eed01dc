"""Poses side by side are the poses one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sam3d_ros.geometry import SE3
from sam3d_ros.geometry.pose_batch import PoseBatch


def poses(seed: int, count: int) -> list[SE3]:
    """Any rotations, half turns among them, where one number of the quaternion is zero."""
    rng = np.random.default_rng(seed)
    quats = rng.standard_normal((count, 4)) * rng.choice([0.0, 1.0], (count, 4), p=[0.3, 0.7]) + [1e-6, 0, 0, 1e-6]
    return [SE3(quat, rng.standard_normal(3)) for quat in quats]


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_rotations_are_those_of_each_pose(seed, count):
    single = poses(seed, count)
    batch = PoseBatch.of(single)
    assert np.allclose(batch.rotation, [pose.rotation for pose in single], atol=1e-14)
    assert np.array_equal(batch.translation_xyz, [pose.translation_xyz for pose in single])


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_there_and_back_is_the_same_pose(seed, count):
    for before, after in zip(single := poses(seed, count), PoseBatch.of(single).poses(), strict=True):
        assert after.quat_wxyz[0] >= 0
        assert np.isclose(abs(before.quat_wxyz @ after.quat_wxyz), 1.0, atol=1e-14)
        assert np.allclose(before.rotation, after.rotation, atol=1e-14)
        assert np.array_equal(before.translation_xyz, after.translation_xyz)


def test_some_of_them_can_be_taken():
    single = poses(0, 5)
    assert np.array_equal(PoseBatch.of(single)[np.array([3, 1])].translation_xyz[1], single[1].translation_xyz)
    assert len(PoseBatch.of(single)[1:]) == 4


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_points_and_origins_are_mapped_as_each_pose_maps_them(seed, count):
    single = poses(seed, count)
    points = np.random.default_rng(seed).standard_normal((count, 7, 3))
    batch, T_c_a = PoseBatch.of(single), poses(seed + 1, 1)[0]
    assert np.allclose(batch.apply(points), [pose.apply(p) for pose, p in zip(single, points, strict=True)])
    assert np.allclose(batch.origins(), [pose.inverse().translation_xyz for pose in single])
    seen = [T_c_a @ pose for pose in single]
    assert np.allclose(batch.seen_from(T_c_a).rotation, [pose.rotation for pose in seen])
    assert np.allclose(batch.seen_from(T_c_a).translation_xyz, [pose.translation_xyz for pose in seen])
