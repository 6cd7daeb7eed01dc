"""`view --ros`: what the running node publishes and reads becomes frames of the page, and silence is told."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy")

from std_srvs.srv import Trigger

from sam3d_ros.node.live_view import LiveView, LiveViewConfig, show_node
from sam3d_ros.pipeline.fake import FakeConfig
from sam3d_ros.pipeline.result import RejectionReason
from sam3d_ros.replay.bags.topics import Role

pytestmark = pytest.mark.ros


class Page:
    """Stands in for the page: remembers frames and what was said."""

    def __init__(self):
        self.frames, self.said = [], []

    def put(self, frame):
        self.frames.append(frame)

    def say(self, *lines):
        self.said = list(lines)

    def check(self):
        pass


@pytest.fixture
def page():
    return Page()


def view_of(rig, page, **options):
    """A view of a rig's node, through the node of its client."""
    return LiveView(rig.client, page, LiveViewConfig(f"{rig.namespace}/sam3d", **options))


def until(rig, live, condition, what, timeout=15.0):
    """Spin, with the view looking around, until the condition holds."""
    return rig.until(lambda: (live.tick(), condition())[1], what, timeout)


def newest(page, seconds, *, answered=2):
    """The last frame of this stamp, once it is final with so many objects and rejections; None before."""
    found = [frame for frame in page.frames if frame.stamp_ns == round(seconds * 1e9) and frame.update.final]
    complete = found and len(found[-1].update.objects) + len(found[-1].update.rejections) == answered
    return found[-1] if complete else None


def test_what_the_node_publishes_and_reads_is_shown(rig, page, messages):
    live = view_of(rig, page)
    until(rig, live, lambda: any("nothing on" in line for line in page.said), "the camera's topics")
    rig.send(10.5, detections=messages.detections_message({3: "mug"}))
    frame = until(rig, live, lambda: newest(page, 10.5), "the frame")
    assert [item.label for item in frame.update.objects] == [3, 7]
    assert frame.optical
    assert frame.tf_names == {1: "object_1", 2: "object_2"}
    assert frame.view is not None
    assert set(frame.view.cloud.labels.tolist()) == {0, 3, 7}
    for item in frame.update.objects:
        assert item.T_ref_obj.translation_xyz[2] == pytest.approx(0.8, abs=0.1)
        assert len(item.mesh.triangles) >= 12


def test_meshes_that_the_node_sends_only_once_stay(make_rig, page):
    rig = make_rig(objects_mesh="on_change").up()
    live = view_of(rig, page)
    meshes = []
    for seconds in (10.5, 11.0):
        rig.send(seconds)
        frame = until(rig, live, lambda at=seconds: newest(page, at), "the frame")
        meshes.append(frame.update.objects[0].mesh)
    assert meshes[1] is meshes[0]
    assert len(meshes[0].triangles)


def test_rejections_are_shown_with_their_reasons(make_rig, page):
    rig = make_rig(FakeConfig(reject_labels={7: RejectionReason.EMPTY_SHAPE})).up()
    live = view_of(rig, page)
    rig.send(10.5)
    frame = until(rig, live, lambda: newest(page, 10.5), "the frame")
    assert [(item.label, item.reason) for item in frame.update.rejections] == [(7, RejectionReason.EMPTY_SHAPE)]
    assert [item.label for item in frame.update.objects] == [3]


def test_objects_that_the_node_forgets_vanish(rig, page):
    live = view_of(rig, page)
    rig.send(10.5)
    until(rig, live, lambda: newest(page, 10.5), "the frame")
    client = rig.client.create_client(Trigger, "sam3d/clear")
    rig.until(client.service_is_ready, "the service")
    client.call_async(Trigger.Request())
    until(rig, live, lambda: not page.frames[-1].update.objects, "the empty scene")


def test_silence_is_told_with_the_topic_and_what_to_look_at(make_rig, page):
    rig = make_rig()  # not brought up: it neither reads nor publishes
    live = view_of(rig, page)
    until(rig, live, lambda: page.said, "words on the silence")
    assert f"no message on {rig.namespace}/sam3d/objects yet; is the node active?" in page.said
    assert any("--topics ROLE:=NAME" in line for line in page.said)


def test_topics_of_the_camera_can_be_named_and_are_shown_before_any_result(make_rig, page, messages):
    rig = make_rig()
    named = {Role.IMAGE: "/eye/image", Role.CAMERA_INFO: "/eye/info", Role.DEPTH: "/eye/depth"}
    picture = messages.Picture()
    sent = {
        "/eye/info": messages.camera_info_message(),
        "/eye/image": messages.image_message(picture.color, "rgb8"),
        "/eye/depth": messages.image_message(picture.depth_mm, "16UC1"),
    }
    publishers = {topic: rig.client.create_publisher(type(message), topic, 10) for topic, message in sent.items()}
    live = view_of(rig, page, topics=named)
    until(rig, live, lambda: all(p.get_subscription_count() for p in publishers.values()), "the view's subscriptions")
    for topic, message in sent.items():
        publishers[topic].publish(messages.stamped(message, 4.0))
    frame = until(rig, live, lambda: page.frames and page.frames[-1], "a picture")
    assert frame.update.objects == ()
    assert frame.view.cloud is not None


def test_the_view_ends_in_time_and_leaves_no_node_behind(ros, page):
    import time

    began = time.monotonic()
    show_node(page, LiveViewConfig("/nobody/sam3d"), began + 1.0)
    assert 1.0 <= time.monotonic() - began < 10.0
