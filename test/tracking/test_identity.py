"""An id means one object, for as long as it lives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sam3d_ros.geometry.box_mesh import box_mesh
from sam3d_ros.pipeline import RejectionReason
from sam3d_ros.tracking import ObjectState
from sam3d_ros.tracking.config import TrackingConfig
from sam3d_ros.tracking.tracker import SceneTracker

FRAME_NS = 33_000_000


def tracker_of(world, knowing_backend, by_label=None, **config) -> SceneTracker:
    return SceneTracker(knowing_backend(world, by_label), TrackingConfig(**config))


def ids_by_place(update, world) -> dict[int, int]:
    """Which id stands where each object of the world truly is."""
    found = {}
    for key in world.meshes:
        distances = {
            obj.object_id: np.linalg.norm(obj.T_ref_obj.translation_xyz - world.T_cam_obj(key).translation_xyz)
            for obj in update.objects
        }
        nearest = min(distances, key=distances.get)
        assert distances[nearest] < 0.01
        found[key] = nearest
    return found


def three_objects(world) -> None:
    for label, x in ((1, -0.16), (2, 0.0), (3, 0.16)):
        world.add(label, [x, 0.0, 0.7], yaw=0.4 * label)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(permutations=st.lists(st.permutations([1, 2, 3]), min_size=1, max_size=3))
def test_ids_stay_when_labels_are_permuted(world, knowing_backend, permutations) -> None:
    world.meshes.clear()
    world.T_world_obj.clear()
    three_objects(world)
    tracker = tracker_of(world, knowing_backend)
    first = ids_by_place(tracker.process(world.frame(0)), world)
    for k, permutation in enumerate(permutations):
        relabel = dict(zip((1, 2, 3), permutation, strict=True))
        update = tracker.process(world.frame((k + 1) * FRAME_NS, relabel=relabel, seed=k))
        assert ids_by_place(update, world) == first
        assert {obj.object_id: obj.label for obj in update.objects} == {first[key]: relabel[key] for key in first}
        assert update.rejections == ()
    assert tracker.backend.asked == [2, 1, 3] or sorted(tracker.backend.asked) == [1, 2, 3]


def test_labels_above_16_bit_and_negative_ones_are_told_apart(world, knowing_backend) -> None:
    three_objects(world)
    relabel = {1: 70_000, 2: 2_000_000_000, 3: -7}
    tracker = tracker_of(world, knowing_backend, {value: key for key, value in relabel.items()})
    update = tracker.process(world.frame(0, relabel=relabel))
    assert sorted(obj.label for obj in update.objects) == [-7, 70_000, 2_000_000_000]


def test_an_object_that_leaves_and_comes_back_keeps_its_id(world, knowing_backend) -> None:
    three_objects(world)
    tracker = tracker_of(world, knowing_backend)
    first = ids_by_place(tracker.process(world.frame(0)), world)
    gone = tracker.process(world.frame(FRAME_NS, hidden=[2]))
    states = {obj.object_id: obj.state for obj in gone.objects}
    assert states[first[2]] is ObjectState.UNSEEN
    assert states[first[1]] is states[first[3]] is ObjectState.COMPLETE
    back = tracker.process(world.frame(20 * FRAME_NS, seed=3))
    assert ids_by_place(back, world) == first
    assert all(obj.state is ObjectState.COMPLETE for obj in back.objects)


def test_an_object_gone_for_too_long_is_removed_once_and_its_id_is_not_given_again(world, knowing_backend) -> None:
    three_objects(world)
    tracker = tracker_of(world, knowing_backend, max_age_s=1.0)
    first = ids_by_place(tracker.process(world.frame(0)), world)
    assert tracker.process(world.frame(900_000_000, hidden=[2])).removed_ids == ()
    late = tracker.process(world.frame(1_100_000_000, hidden=[2]))
    assert late.removed_ids == (first[2],)
    assert first[2] not in {obj.object_id for obj in late.objects}
    assert tracker.process(world.frame(1_150_000_000, hidden=[2])).removed_ids == ()
    again = ids_by_place(tracker.process(world.frame(1_200_000_000)), world)
    assert again[2] == 4


def test_a_label_used_again_for_another_object_far_away_is_a_new_object(world, knowing_backend) -> None:
    world.add(1, [-0.25, 0.0, 0.9])
    tracker = tracker_of(world, knowing_backend)
    tracker.process(world.frame(0))
    world.add(1, [0.25, 0.0, 0.9], yaw=1.0)
    update = tracker.process(world.frame(FRAME_NS))
    assert [(obj.object_id, obj.state) for obj in update.objects] == [
        (1, ObjectState.UNSEEN),
        (2, ObjectState.COMPLETE),
    ]


def test_two_objects_under_one_label_are_one_mask_and_one_id(world, knowing_backend) -> None:
    three_objects(world)
    tracker = tracker_of(world, knowing_backend)
    first = tracker.process(world.frame(0, relabel={1: 1, 2: 2, 3: 2}))
    assert sorted(obj.label for obj in first.objects) == [1, 2]
    second = tracker.process(world.frame(FRAME_NS, relabel={1: 1, 2: 2, 3: 2}))
    assert [obj.object_id for obj in second.objects] == [1, 2]


def test_one_object_cut_into_two_masks_keeps_one_id(world, knowing_backend) -> None:
    world.add(1, [0.0, 0.0, 0.6])
    tracker = tracker_of(world, knowing_backend, {9: 1})
    tracker.process(world.frame(0))
    frame = world.frame(FRAME_NS)
    part = frame.labels == 1
    part[:, :165] = False
    frame.labels[part] = 9
    update = tracker.process(frame, reconstruct="none")
    assert [obj.object_id for obj in update.objects] == [1]


def test_neighbours_that_touch_do_not_swap_ids(world, knowing_backend) -> None:
    box = box_mesh(np.array([0.06, 0.06, 0.08]), color=np.full(3, 90.0), cells=4)
    world.add(1, [-0.031, 0.0, 0.6], mesh=box)
    world.add(2, [0.031, 0.0, 0.6], mesh=box)
    tracker = tracker_of(world, knowing_backend)
    first = ids_by_place(tracker.process(world.frame(0)), world)
    for k in range(1, 6):
        relabel = {1: 2, 2: 1} if k % 2 else None
        update = tracker.process(world.frame(k * FRAME_NS, relabel=relabel, seed=k))
        assert ids_by_place(update, world) == first


def test_clear_forgets_everything_but_the_numbers(world, knowing_backend) -> None:
    three_objects(world)
    tracker = tracker_of(world, knowing_backend)
    tracker.process(world.frame(0))
    assert tracker.clear() == (1, 2, 3)
    assert tracker.objects == ()
    assert [obj.object_id for obj in tracker.process(world.frame(FRAME_NS)).objects] == [4, 5, 6]


def test_a_bag_that_loops_is_noticed(world, knowing_backend) -> None:
    world.add(1, [0.0, 0.0, 0.7])
    tracker = tracker_of(world, knowing_backend, time_jump_s=0.5)
    assert not tracker.jumps_back(0)
    tracker.process(world.frame(10_000_000_000))
    assert not tracker.jumps_back(9_600_000_000)
    assert tracker.jumps_back(9_400_000_000)
    tracker.clear()
    assert not tracker.jumps_back(0)


def test_a_frame_out_of_order_neither_ages_nor_breaks_anything(world, knowing_backend) -> None:
    world.add(1, [0.0, 0.0, 0.7])
    tracker = tracker_of(world, knowing_backend, max_age_s=0.1)
    tracker.process(world.frame(2_000_000_000))
    update = tracker.process(world.frame(0))
    assert [obj.object_id for obj in update.objects] == [1]
    update = tracker.process(world.frame(0, hidden=[1]))
    assert update.removed_ids == ()


def test_the_largest_masks_come_first_when_there_are_too_many(world, knowing_backend) -> None:
    for label, z in ((1, 1.0), (2, 0.6), (3, 0.8)):
        world.add(label, [0.2 * (label - 2), 0.0, z])
    tracker = tracker_of(world, knowing_backend, max_objects=2)
    update = tracker.process(world.frame(0))
    assert sorted(obj.label for obj in update.objects) == [2, 3]
    (rejection,) = update.rejections
    assert (rejection.label, rejection.reason) == (1, RejectionReason.TOO_MANY_OBJECTS)
    assert "max_objects is 2" in rejection.detail


def test_unseen_objects_make_room_for_new_ones(world, knowing_backend) -> None:
    three_objects(world)
    tracker = tracker_of(world, knowing_backend, max_objects=2)
    tracker.process(world.frame(0, hidden=[3]))
    update = tracker.process(world.frame(FRAME_NS, hidden=[2]))
    assert len(update.objects) == 2
    assert all(obj.state is ObjectState.COMPLETE for obj in update.objects)
    assert len(update.removed_ids) == 1


@pytest.mark.parametrize("count", [20])
def test_twenty_objects_of_one_kind_keep_twenty_ids(world, knowing_backend, count) -> None:
    rng = np.random.default_rng(0)
    for k in range(count):
        world.add(k + 1, [-0.44 + 0.22 * (k % 5), -0.35 + 0.23 * (k // 5), 1.3], yaw=0.3 * k)
    tracker = tracker_of(world, knowing_backend)
    first = ids_by_place(tracker.process(world.frame(0)), world)
    assert sorted(first.values()) == list(range(1, count + 1))
    for k in range(1, 4):
        order = rng.permutation(count) + 1
        relabel = {key: int(order[key - 1]) for key in world.meshes}
        assert ids_by_place(tracker.process(world.frame(k * FRAME_NS, relabel=relabel, seed=k)), world) == first
