"""Time that jumps, clocks that stand still, and poses in a fixed frame while the camera moves."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy")

from geometry_msgs.msg import TransformStamped
from rosgraph_msgs.msg import Clock
from sam3d_ros.msg import ReconstructedObject
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker

pytestmark = pytest.mark.ros

LOG = "time jumped"


def transform(seconds: float, x: float, *, parent: str = "map") -> TFMessage:
    message = TransformStamped(child_frame_id="camera_color_optical_frame")
    message.header.frame_id = parent
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(round(seconds * 1e9), 1_000_000_000)
    message.transform.translation.x = x
    return TFMessage(transforms=[message])


def test_a_bag_that_loops_clears_objects_and_markers_once_and_goes_on(rig, messages, capfd):
    rig.exchange(100.0)
    rig.exchange(100.1)
    objects, rejections = rig.exchange(90.0)
    assert rejections == []
    assert [item.id for item in objects.objects] == [3, 4]
    assert any(m.action == Marker.DELETEALL for array in rig.received["markers"] for m in array.markers)
    rig.exchange(90.1)
    assert capfd.readouterr().err.count(LOG) == 1
    rig.status("synchronisation", containing="time jumps: 1")


def test_clock_going_back_clears_objects_and_is_said_once(make_rig, capfd):
    rig = make_rig(use_sim_time=True).up()
    clock = rig.publisher("/clock", Clock)

    def tick(seconds: float) -> None:
        message = Clock()
        message.clock.sec = int(seconds)
        clock.publish(message)
        rig.spin(0.2)

    tick(100)
    rig.exchange(100.0)
    tick(101)
    tick(50)
    assert capfd.readouterr().err.count(LOG) == 1
    objects, rejections = rig.exchange(50.0)
    assert rejections == []
    assert [item.id for item in objects.objects] == [3, 4]
    assert capfd.readouterr().err.count(LOG) == 0


def test_the_node_works_while_the_ros_clock_stands_still(make_rig):
    rig = make_rig(use_sim_time=True, object_timeout=0.2, hang_timeout=0.4).up()
    objects, rejections = rig.exchange(10.0)
    assert rejections == []
    assert len(objects.objects) == 2


def test_with_a_target_frame_a_still_object_stays_still_while_the_camera_moves(make_rig, messages):
    rig = make_rig(target_frame="map", tf_timeout=2.0).up()
    tf = rig.publisher("/tf", TFMessage)
    shift = 10 / 150 * 0.8  # metres that move the picture of something at 0.8 m by ten pixels
    tf.publish(transform(10.0, 0.0))
    tf.publish(transform(10.2, shift))
    first, _ = rig.exchange(10.0, messages.Picture({3: (40, 60)}))
    second, _ = rig.exchange(10.2, messages.Picture({3: (40, 50)}))
    assert first.header.frame_id == "map"
    (before,), (after,) = first.objects, second.objects
    assert after.id == before.id
    assert after.pose.pose.position.x == pytest.approx(before.pose.pose.position.x, abs=0.005)
    transforms = [t for m in rig.received["tf"] for t in m.transforms if t.child_frame_id == "object_1"]
    assert {t.header.frame_id for t in transforms} == {"map"}


@pytest.mark.parametrize(("target_frame", "placed"), [("", {"1"}), ("map", {"1", "2"})])
def test_what_is_lost_is_said_and_has_a_place_in_a_fixed_frame_alone(make_rig, messages, target_frame, placed):
    rig = make_rig(target_frame=target_frame, tf_timeout=2.0).up()
    rig.publisher("/tf", TFMessage).publish(transform(10.0, 0.0))
    rig.publisher("/tf", TFMessage).publish(transform(10.2, 0.0))
    rig.exchange(10.0)
    objects, _ = rig.exchange(10.2, messages.Picture({3: (40, 30)}))
    states = {item.id: item.state for item in objects.objects}
    assert states == {1: ReconstructedObject.STATE_COMPLETE, 2: ReconstructedObject.STATE_UNSEEN}

    def newest(topic: str) -> list:
        return [m for m in rig.received[topic] if messages.stamp_of(m) == 10.2][-1:]

    (detections,) = rig.until(lambda: newest("detections"), "detections of the second frame")
    assert {item.id for item in detections.detections} == placed
    transforms = [t for m in rig.received["tf"] for t in m.transforms if messages.stamp_of(t) == 10.2]
    assert {t.child_frame_id for t in transforms} - {"camera_color_optical_frame"} == {f"object_{k}" for k in placed}
    assert rig.status("objects", containing="objects unseen: 2").message == "2 objects alive, 1 of them unseen"


def test_the_transform_is_that_of_the_image_stamp_and_not_the_newest(make_rig, messages):
    rig = make_rig(target_frame="map", tf_timeout=2.0).up()
    tf = rig.publisher("/tf", TFMessage)
    for seconds, x in ((10.0, 1.0), (11.0, 2.0), (12.0, 9.0)):
        tf.publish(transform(seconds, x))
    objects, _ = rig.exchange(10.5, messages.Picture({3: (40, 60)}))
    assert objects.objects[0].pose.pose.position.x == pytest.approx(1.5, abs=0.03)


def test_a_missing_transform_rejects_every_mask_naming_frames_and_stamp(make_rig):
    rig = make_rig(target_frame="map", tf_timeout=0.1).up()
    objects, rejections = rig.exchange(10.5)
    assert objects is None
    assert {r.label: r.reason for r in rejections} == {3: "transform_missing", 7: "transform_missing"}
    for word in ("camera_color_optical_frame", "map", "10.500", "tf_timeout"):
        assert word in rejections[0].detail
    status = rig.status("transforms", containing="camera_color_optical_frame to map")
    assert status.level == b"\x01"
    rig.publisher("/tf", TFMessage).publish(transform(11.0, 0.0))
    objects, rejections = rig.exchange(11.0)
    assert rejections == []


def test_a_transform_that_comes_a_little_late_is_waited_for(make_rig):
    rig = make_rig(target_frame="map", tf_timeout=3.0).up()
    tf = rig.publisher("/tf", TFMessage)
    rig.send(10.0)
    rig.spin(0.3)
    tf.publish(transform(10.0, 0.0))
    objects, rejections = rig.answer(10.0)
    assert rejections == []
    assert len(objects.objects) == 2


def test_several_cameras_may_share_the_topics_when_there_is_a_target_frame(make_rig):
    rig = make_rig(target_frame="map", tf_timeout=0.1).up()
    tf = rig.publisher("/tf", TFMessage)
    tf.publish(transform(10.0, 0.0))
    rig.exchange(10.0)
    _, rejections = rig.exchange(10.1, frame_id="second_camera")
    assert {r.reason for r in rejections} == {"transform_missing"}
