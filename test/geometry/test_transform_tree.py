"""Laws of the transform tree: chains, inverses, interpolation, times."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

from sam3d_ros.geometry import SE3
from sam3d_ros.geometry.transform_tree import (
    ExtrapolationError,
    TransformTree,
    UnconnectedFramesError,
    UnknownFrameError,
    interpolate,
)

S = 1_000_000_000
numbers = st.floats(-3, 3)
poses = st.builds(
    lambda quat, xyz: SE3(np.array(quat), np.array(xyz)),
    st.tuples(numbers, numbers, numbers, numbers).filter(lambda q: np.linalg.norm(q) > 0.1),
    st.tuples(numbers, numbers, numbers),
)


def assert_same(a, b, tolerance=1e-9):
    np.testing.assert_allclose(a.as_matrix(), b.as_matrix(), atol=tolerance)


def shift(x):
    return SE3(np.array([1.0, 0, 0, 0]), np.array([x, 0.0, 0.0]))


def moving_pair():
    tree = TransformTree()
    tree.set("map", "base", shift(0.0), stamp=1 * S)
    tree.set("map", "base", shift(1.0), stamp=2 * S)
    return tree


@settings(deadline=None)
@given(poses, poses, poses)
def test_a_chain_is_the_product_of_its_links(T_map_base, T_base_arm, T_base_camera):
    tree = TransformTree()
    tree.set("map", "base", T_map_base, stamp=S)
    tree.set("base", "arm", T_base_arm, stamp=S)
    tree.set("base", "camera", T_base_camera, stamp=0, static=True)
    assert_same(tree.lookup("map", "camera", S)[0], T_map_base @ T_base_camera)
    assert_same(tree.lookup("arm", "camera", S)[0], T_base_arm.inverse() @ T_base_camera)
    assert_same(tree.lookup("camera", "arm", S)[0], tree.lookup("arm", "camera", S)[0].inverse())
    assert_same(tree.lookup("arm", "arm", S)[0], SE3.identity())


@settings(deadline=None)
@given(poses, poses, st.integers(0, 1000))
def test_between_two_stamps_translation_is_linear_and_rotation_a_slerp(T_a, T_b, step):
    tree = TransformTree()
    tree.set("map", "base", T_a, stamp=5 * S)
    tree.set("map", "base", T_b, stamp=6 * S)
    ratio = step / 1000
    found, _ = tree.lookup("map", "base", 5 * S + step * S // 1000)
    both = Rotation.from_quat(np.array([T_a.quat_xyzw, T_b.quat_xyzw]))
    relative = (both[0].inv() * both[1]).magnitude()
    translation = (1 - ratio) * T_a.translation_xyz + ratio * T_b.translation_xyz
    np.testing.assert_allclose(found.translation_xyz, translation, atol=1e-9)
    if relative < 3.1:  # at half a turn both ways round are equally short
        np.testing.assert_allclose(found.rotation, Slerp([0, 1], both)(ratio).as_matrix(), atol=1e-6)


@settings(deadline=None)
@given(poses, poses)
def test_interpolation_meets_both_ends(T_a, T_b):
    assert_same(interpolate(T_a, T_b, 0.0), T_a)
    assert_same(interpolate(T_a, T_b, 1.0), T_b)


def test_opposite_quaternions_of_one_rotation_do_not_turn():
    quat = np.array([0.5, 0.5, 0.5, 0.5])
    half = interpolate(SE3(quat, np.zeros(3)), SE3(-quat, np.zeros(3)), 0.5)
    np.testing.assert_allclose(half.rotation, SE3(quat, np.zeros(3)).rotation, atol=1e-12)


def test_time_zero_is_the_newest_instant_known_to_the_whole_chain():
    tree = moving_pair()
    tree.set("base", "arm", shift(10.0), stamp=int(1.5 * S))
    tree.set("arm", "tip", shift(100.0), stamp=0, static=True)
    found, stamp = tree.lookup("map", "tip")
    assert stamp == int(1.5 * S)
    assert found.translation_xyz[0] == pytest.approx(110.5)


def test_time_zero_in_one_moving_link_is_its_newest():
    found, stamp = moving_pair().lookup("map", "base")
    assert (stamp, found.translation_xyz[0]) == (2 * S, 1.0)


def test_a_static_chain_answers_at_any_time():
    tree = TransformTree()
    tree.set("base", "camera", shift(0.3), stamp=77 * S, static=True)
    assert [tree.lookup("base", "camera", t)[0].translation_xyz[0] for t in (1, 99 * S)] == [0.3, 0.3]
    assert tree.lookup("base", "camera")[1] == 0


def test_a_static_transform_is_replaced_by_a_newer_one():
    tree = TransformTree()
    tree.set("base", "camera", shift(0.3), stamp=0, static=True)
    tree.set("base", "camera", shift(0.4), stamp=0, static=True)
    assert tree.lookup("base", "camera")[0].translation_xyz[0] == 0.4


@pytest.mark.parametrize(
    ("stamp", "text"),
    [
        (
            3 * S,
            r"'base' in 'map' .* into the future: asked for 3.000000000 s, the newest is 2.000000000 s \(1000.0 ms",
        ),
        (S // 2, r"into the past: asked for 0.500000000 s, the oldest is 1.000000000 s \(500.0 ms"),
    ],
)
def test_outside_the_received_times_nothing_is_invented(stamp, text):
    with pytest.raises(ExtrapolationError, match=text):
        moving_pair().lookup("map", "base", stamp)


def test_one_sample_holds_at_its_own_stamp_only():
    tree = TransformTree()
    tree.set("map", "base", shift(1.0), stamp=5)
    assert tree.lookup("map", "base", 5)[0].translation_xyz[0] == 1.0
    with pytest.raises(ExtrapolationError):
        tree.lookup("map", "base", 6)


def test_an_unknown_frame_is_named_with_those_that_are_known():
    with pytest.raises(UnknownFrameError, match=r"'camera_color_optical_frame' does not exist.*base, map"):
        moving_pair().lookup("map", "camera_color_optical_frame")


@pytest.mark.parametrize("stamp", [0, 2 * S])
def test_two_trees_are_named_with_their_roots(stamp):
    tree = moving_pair()
    tree.set("odom", "camera", shift(0.0), stamp=2 * S)
    with pytest.raises(UnconnectedFramesError, match="'map' ends in tree 'map', 'camera' in tree 'odom'"):
        tree.lookup("map", "camera", stamp)


def test_a_loop_of_frames_is_an_error_and_not_an_endless_walk():
    tree = TransformTree()
    for parent, child in (("a", "b"), ("b", "c"), ("c", "a")):
        tree.set(parent, child, shift(0.0), stamp=S)
    tree.set("x", "y", shift(0.0), stamp=S)
    for stamp in (0, S):
        with pytest.raises(UnconnectedFramesError, match="loop"):
            tree.lookup("a", "y", stamp)


def test_stamps_may_come_out_of_order():
    tree = TransformTree()
    for x in (3, 1, 2, 5, 4):
        tree.set("map", "base", shift(float(x)), stamp=x * S)
    found = [tree.lookup("map", "base", int(x * S))[0].translation_xyz[0] for x in (1, 1.5, 3.5, 4.5, 5)]
    np.testing.assert_allclose(found, [1, 1.5, 3.5, 4.5, 5])


def test_a_stamp_that_comes_again_replaces_the_pose():
    tree = moving_pair()
    tree.set("map", "base", shift(7.0), stamp=2 * S)
    assert tree.lookup("map", "base", 2 * S)[0].translation_xyz[0] == 7.0


def test_the_cache_forgets_old_samples_and_refuses_older_ones():
    tree = TransformTree(cache_ns=2 * S)
    assert all(tree.set("map", "base", shift(float(x)), stamp=x * S) for x in range(1, 8))
    with pytest.raises(ExtrapolationError, match=r"oldest is 5\.0"):
        tree.lookup("map", "base", 4 * S)
    assert not tree.set("map", "base", shift(0.0), stamp=1 * S)


def test_a_frame_that_changes_its_parent_keeps_the_older_one_until_the_newer_stamp():
    tree = TransformTree()
    tree.set("table", "cup", shift(1.0), stamp=1 * S)
    tree.set("hand", "cup", shift(2.0), stamp=2 * S)
    assert tree.lookup("table", "cup", int(1.9 * S))[0].translation_xyz[0] == 1.0
    assert tree.lookup("hand", "cup", 2 * S)[0].translation_xyz[0] == 2.0


def test_clear_forgets_moving_frames_and_keeps_static_ones():
    tree = moving_pair()
    tree.set("base", "camera", shift(0.3), stamp=0, static=True)
    tree.clear()
    assert tree.lookup("base", "camera")[0].translation_xyz[0] == 0.3
    with pytest.raises(UnconnectedFramesError):
        tree.lookup("map", "camera")


def test_a_leading_slash_names_the_same_frame():
    tree = TransformTree()
    tree.set("/map", "/base", shift(1.0), stamp=S)
    assert tree.lookup("map", "/base", S)[0].translation_xyz[0] == 1.0


@pytest.mark.parametrize(("parent", "child"), [("", "a"), ("a", ""), ("a", "a"), ("a", "/a")])
def test_a_transform_needs_two_names(parent, child):
    with pytest.raises(ValueError, match="two different frame names"):
        TransformTree().set(parent, child, shift(0.0), stamp=0)


def test_reading_while_another_thread_writes_never_sees_half_a_state():
    tree = moving_pair()
    stop = threading.Event()

    def write():
        stamp = 2 * S
        while not stop.is_set():
            stamp += S // 100
            tree.set("map", "base", shift(stamp / S), stamp=stamp)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(300):
            found, stamp = tree.lookup("map", "base")
            assert found.translation_xyz[0] == pytest.approx(1.0 if stamp == 2 * S else stamp / S)
    finally:
        stop.set()
        writer.join()


@pytest.mark.parametrize("stamp", [0, 5 * S])
def test_a_frame_in_itself_is_the_identity_even_when_nobody_publishes_it(stamp):
    found, used = TransformTree().lookup("camera", "/camera", stamp)
    assert_same(found, SE3.identity())
    assert used == stamp


def test_a_moving_frame_in_itself_is_stamped_with_its_newest_sample():
    assert moving_pair().lookup("base", "base")[1] == 2 * S
