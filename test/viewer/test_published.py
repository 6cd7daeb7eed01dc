"""What a node published: meshes that are left out are remembered, rejections are a frame's last word."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.geometry.transform_tree import TransformTree
from sam3d_ros.pipeline import Rejection, RejectionReason
from sam3d_ros.replay.bags.published import PublishedScenes, result_latency_ms
from sam3d_ros.replay.bags.result_messages import objects_message, rejections_message
from sam3d_ros.tracking import ObjectState, SceneUpdate
from sam3d_ros.viewer.placing import Placing

EMPTY = Mesh(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3)))


def _objects(*items, stamp_ns=10):
    return objects_message(SceneUpdate(stamp_ns, items, (), (), final=True), "map", "object_")


def _rejections(*items, stamp_ns=10):
    return rejections_message(SceneUpdate(stamp_ns, (), items, (), final=True), "map")


def test_a_mesh_that_is_left_out_is_the_one_of_before(thing):
    scenes = PublishedScenes()
    first = scenes.objects(_objects(thing)).update.objects[0]
    later = scenes.objects(_objects(replace(thing, mesh=EMPTY), stamp_ns=20))
    assert later.update.objects[0].mesh is first.mesh
    assert later.without_mesh == ()


def test_equal_meshes_that_are_sent_again_are_kept_once(thing):
    scenes = PublishedScenes()
    first = scenes.objects(_objects(thing)).update.objects[0]
    assert scenes.objects(_objects(thing, stamp_ns=20)).update.objects[0].mesh is first.mesh


def test_a_new_version_without_its_mesh_is_no_old_one(thing):
    scenes = PublishedScenes()
    scenes.objects(_objects(thing))
    later = scenes.objects(_objects(replace(thing, mesh=EMPTY, mesh_version=2), stamp_ns=20))
    assert later.without_mesh == (3,)


def test_rejections_end_a_frame_and_keep_its_objects(thing):
    scenes = PublishedScenes()
    assert not scenes.objects(_objects(thing)).update.final
    ended = scenes.rejections(_rejections(Rejection(7, RejectionReason.EMPTY_MASK, "none")))
    assert ended.update.final
    assert [item.object_id for item in ended.update.objects] == [3]
    assert [item.label for item in ended.update.rejections] == [7]
    assert ended.tf_names == {3: "object_3"}


def test_a_frame_of_which_only_rejections_came_keeps_older_objects_and_says_so(thing):
    scenes = PublishedScenes()
    scenes.objects(_objects(thing))
    assert not scenes.rejections(_rejections()).objects_of_before
    refused = Rejection(0, RejectionReason.INVALID_INPUT, "no calibration")
    later = scenes.rejections(_rejections(refused, stamp_ns=20))
    assert later.objects_of_before
    assert [item.object_id for item in later.update.objects] == [3]
    assert not scenes.objects(_objects(thing, stamp_ns=30)).objects_of_before


def test_an_object_keeps_the_stamp_of_its_last_measurement(thing):
    unseen = replace(thing, state=ObjectState.UNSEEN, stamp_ns=4)
    message = _objects(unseen, stamp_ns=30)
    assert PublishedScenes().objects(message).update.objects[0].stamp_ns == 4
    # Recordings of before the field was there.
    for item in message.objects:
        item.measured = None
    assert PublishedScenes().objects(message).update.objects[0].stamp_ns == 30


def test_where_nobody_rejects_objects_are_the_last_word(thing):
    assert PublishedScenes(rejections_expected=False).objects(_objects(thing)).update.final


@pytest.mark.parametrize(("received_ns", "latency_ms"), [(5_000_010, 5.0), (10, None), (5, None), (10**18, None)])
def test_latency_is_told_only_where_the_clocks_agree(thing, received_ns, latency_ms):
    latency = result_latency_ms(_objects(thing), received_ns)
    assert latency == latency_ms if latency_ms else math.isnan(latency)


def test_a_scene_is_placed_in_the_target_frame(thing):
    tree = TransformTree()
    T_world_map = SE3(np.array([0.0, 0.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0]))
    tree.set("world", "map", T_world_map, stamp=0, static=True)
    update = SceneUpdate(10, (thing,), (), (), final=True)
    placed, frame_id, notices = Placing(tree, "world").place(update, "map")
    assert (frame_id, notices) == ("world", ())
    assert placed.objects[0].T_ref_obj.translation_xyz == pytest.approx([-1.0, -2.0, 4.0])


def test_a_target_frame_out_of_reach_is_said(thing):
    update = SceneUpdate(10, (thing,), (), (), final=True)
    placed, frame_id, notices = Placing(TransformTree(), "world").place(update, "map")
    assert placed is update
    assert frame_id == "map"
    assert "world" in notices[0]
