"""Messages as DDS brings them, made into frames: pictures first, results with the nearest picture, faults told."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.geometry import SE3, PinholeCamera
from sam3d_ros.replay.bags.message_types import header
from sam3d_ros.replay.bags.result_messages import objects_message, rejections_message
from sam3d_ros.tracking import SceneUpdate
from sam3d_ros.training.synthetic.bag import camera_info_message, image_message, tf_message
from sam3d_ros.viewer.live_feed import LiveFeed

CAMERA = PinholeCamera(32, 24, 30.0, 30.0, 15.5, 11.5)
OPTICAL = "camera_optical_frame"
MS = 10**6
START = 5_000 * MS


@pytest.fixture
def frames():
    return []


@pytest.fixture
def feed(frames):
    return LiveFeed(frames.append, target_frame="")


def _look(feed, stamp_ns):
    """One picture of a wall at 1 m."""
    head = header(stamp_ns, OPTICAL)
    feed.camera_info(camera_info_message(CAMERA, head))
    feed.image(image_message(np.full((24, 32, 3), 90, np.uint8), "rgb8", head))
    feed.depth(image_message(np.full((24, 32), 1000, np.uint16), "16UC1", head))


def _find(feed, thing, stamp_ns, frame_id=OPTICAL):
    message = objects_message(SceneUpdate(stamp_ns, (thing,), (), (), final=True), frame_id, "object_")
    feed.objects(message, now_ns=stamp_ns + 80 * MS)


def test_before_the_first_result_the_picture_is_shown_once_a_second(feed, frames):
    for step in range(21):
        _look(feed, START + step * 100 * MS)
    assert [frame.stamp_ns for frame in frames] == [START, START + 1100 * MS]
    assert frames[0].optical
    assert frames[0].view.cloud is not None


def test_a_result_comes_with_its_own_picture(feed, frames, thing):
    for step in range(5):
        _look(feed, START + step * 100 * MS)
    _find(feed, thing, START + 200 * MS)
    assert frames[-1].stamp_ns == START + 200 * MS
    assert frames[-1].notices == ()
    assert frames[-1].latency_ms == pytest.approx(80.0)
    assert not frames[-1].update.final


def test_a_picture_of_another_moment_is_told(feed, frames, thing):
    _look(feed, START)
    _find(feed, thing, START + 300 * MS)
    assert frames[-1].notices == ("picture and points are 300 ms older than the objects",)


def test_the_camera_is_placed_by_transforms(feed, frames, thing):
    T_map_cam = SE3(np.array([1.0, 0.0, 0.0, 0.0]), np.array([1.0, 2.0, 3.0]))
    _look(feed, START)
    _find(feed, thing, START, "map")
    assert "no transform" in frames[-1].notices[0]
    feed.transforms(tf_message("map", OPTICAL, T_map_cam, START), static=True)
    refused = SceneUpdate(START, (), (), (), final=True)
    feed.rejections(rejections_message(refused, "map"), now_ns=START)
    assert frames[-1].view.T_ref_cam.translation_xyz == pytest.approx([1.0, 2.0, 3.0])
    assert frames[-1].update.final


def test_what_cannot_be_used_is_told_and_the_feed_goes_on(feed, frames, thing):
    feed.transforms(tf_message("map", "map", SE3.identity(), START), static=False)
    assert "two different frame names" in feed.fault
    broken = objects_message(SceneUpdate(START, (thing,), (), (), final=True), "map", "object_")
    broken.objects[0].mesh.vertices = np.zeros(3, np.float32)
    feed.objects(broken, now_ns=START)
    assert "results cannot be used" in feed.fault
    _find(feed, thing, START + MS, "map")
    assert len(frames) == 1
