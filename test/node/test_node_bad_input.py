"""Whatever comes in: a rejection, a diagnostic or a clear error goes out, and the node goes on."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy")

import rclpy
from rclpy.context import Context
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import String

pytestmark = pytest.mark.ros


def reasons(rejections) -> dict[int, str]:
    return {rejection.label: rejection.reason for rejection in rejections}


def assert_goes_on(rig, seconds: float = 50.0) -> None:
    """A good frame afterwards is answered with two objects."""
    objects, rejections = rig.exchange(seconds)
    assert rejections == []
    assert {item.label for item in objects.objects} >= {3, 7}


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf, 0.0, -1.0])
def test_depth_without_measurements_is_a_rejection_for_each_mask(rig, messages, nothing):
    depth = messages.image_message(np.full((120, 160), nothing, np.float32), "32FC1")
    _, rejections = rig.exchange(10.0, depth=depth)
    assert reasons(rejections) == {3: "too_few_depth_points", 7: "too_few_depth_points"}
    assert_goes_on(rig)


def test_an_image_without_masks_is_answered_with_nothing(rig, messages):
    objects, rejections = rig.exchange(10.0, messages.Picture({}))
    assert objects.objects == []
    assert rejections == []
    assert_goes_on(rig)


def test_a_mask_over_the_whole_image_is_rejected(rig, messages):
    mask = messages.image_message(np.full((120, 160), 5, np.uint8), "mono8")
    _, rejections = rig.exchange(10.0, mask=mask)
    assert reasons(rejections) == {5: "mask_covers_image"}
    assert_goes_on(rig)


@pytest.mark.parametrize(
    ("array", "encoding", "words"),
    [
        (np.ones((60, 80), np.uint8), "mono8", "80x60"),
        (np.ones((120, 160, 3), np.uint8), "rgb8", "encoding 'rgb8'"),
        (np.ones((120, 160), np.float32), "32FC1", "encoding '32FC1'"),
        (np.full((120, 160), -3, np.int32), "32SC1", "negative label -3"),
    ],
)
def test_a_mask_that_is_no_label_image_of_the_frame_is_refused_by_name(rig, messages, array, encoding, words):
    _, rejections = rig.exchange(10.0, mask=messages.image_message(array, encoding))
    assert reasons(rejections) == {0: "invalid_input"}
    assert "mask" in rejections[0].detail
    assert words in rejections[0].detail
    assert_goes_on(rig)


def test_labels_above_65535_are_labels_like_any_other(rig, messages):
    picture = messages.Picture({70_000: (40, 30), 2_000_000_000: (40, 90)})
    objects, rejections = rig.exchange(10.0, picture, mask=messages.image_message(picture.labels, "32SC1"))
    assert rejections == []
    assert [item.label for item in objects.objects] == [70_000, 2_000_000_000]
    assert_goes_on(rig)


def test_colour_without_depth_is_named_in_log_and_diagnostics(make_rig, messages):
    rig = make_rig(input_timeout=0.4).up()
    for number in range(4):
        rig.send(10 + number / 10, depth=None)
        rig.spin(0.2)
    status = rig.status("inputs", containing="nothing on")
    assert status.level == b"\x02"
    assert f"nothing on {rig.namespace}/depth (sensor_msgs/msg/Image" in status.message
    assert "0 publishers" in status.message
    assert f"{rig.namespace}/mask" not in status.message
    assert_goes_on(rig)


def test_an_input_of_another_type_is_named(make_rig):
    rig = make_rig(input_timeout=0.3).up()
    with rclpy.init(context=(context := Context())):  # one participant cannot hold two types of a topic
        stranger = rclpy.create_node("stranger", namespace=rig.namespace, context=context)
        stranger.create_publisher(String, "depth", 1)
        assert "published there as std_msgs/msg/String" in rig.status("inputs", containing="std_msgs").message
        stranger.destroy_node()


def test_a_missing_camera_info_is_a_clear_rejection(rig):
    _, rejections = rig.exchange(10.0, camera_info=None)
    assert reasons(rejections) == {0: "invalid_input"}
    assert "no camera_info" in rejections[0].detail
    assert_goes_on(rig)


def test_an_uncalibrated_camera_is_a_clear_rejection(rig):
    _, rejections = rig.exchange(10.0, camera_info=CameraInfo(width=160, height=120))
    assert reasons(rejections) == {0: "invalid_input"}
    assert "uncalibrated" in rejections[0].detail
    assert_goes_on(rig)


def test_a_camera_info_of_another_stream_is_a_clear_rejection(rig, messages):
    _, rejections = rig.exchange(10.0, camera_info=messages.camera_info_message(320, 240))
    assert reasons(rejections) == {0: "invalid_input"}
    assert "320x240" in rejections[0].detail
    assert_goes_on(rig)


@pytest.mark.parametrize("encoding", ["bayer_rggb8", "yuv422", "nonsense"])
def test_an_unknown_colour_encoding_is_a_clear_rejection(rig, messages, encoding):
    image = messages.image_message(np.zeros((120, 160), np.uint8), encoding)
    _, rejections = rig.exchange(10.0, image=image)
    assert reasons(rejections) == {0: "invalid_input"}
    assert f"image: colour image has encoding '{encoding}'" in rejections[0].detail
    assert_goes_on(rig)


def test_a_message_whose_size_does_not_fit_its_data_is_a_clear_rejection(rig, messages):
    image = messages.image_message(np.zeros((120, 160, 3), np.uint8), "rgb8")
    image.height = 4_000_000
    _, rejections = rig.exchange(10.0, image=image)
    assert reasons(rejections) == {0: "invalid_input"}
    assert_goes_on(rig)


def test_depth_of_another_resolution_of_the_same_view_is_used(rig, messages):
    small = messages.image_message(messages.Picture().depth_mm[::2, ::2], "16UC1")
    objects, rejections = rig.exchange(10.0, depth=small)
    assert rejections == []
    assert [item.pose.pose.position.z for item in objects.objects] == pytest.approx([0.8, 0.8], abs=0.1)


def test_an_unorganised_cloud_is_a_clear_rejection(make_rig, messages):
    rig = make_rig(depth_source="points").up()
    cloud = messages.cloud_message(messages.Picture().depth_mm)
    cloud.height, cloud.width, cloud.row_step = 1, 120 * 160, 12 * 120 * 160
    _, rejections = rig.exchange(10.0, depth=None, points=cloud)
    assert reasons(rejections) == {0: "invalid_input"}
    assert "organised" in rejections[0].detail
    assert isinstance(cloud, PointCloud2)


def test_a_stamp_of_zero_is_refused_by_name(rig, messages):
    rig.send(0.0)
    refused = rig.until(lambda: [m for m in rig.received["rejections"] if m.rejections], "the refusal")
    assert "header.stamp is zero" in refused[0].rejections[0].detail
    assert "header.stamp is zero" in rig.status("inputs", containing="stamp is zero").message
    assert_goes_on(rig)


def test_frames_out_of_order_are_dropped_and_counted(rig):
    rig.exchange(10.0)
    rig.exchange(10.5)
    rig.send(10.2)
    status = rig.status("synchronisation", containing="out of order")
    assert "dropped: out of order: 1" in "\n".join(f"{item.key}: {item.value}" for item in status.values)
    assert not [m for m in rig.received["objects"] if m.header.stamp.nanosec == 200_000_000]
    assert_goes_on(rig)


def test_the_same_frame_twice_is_answered_once(rig):
    rig.exchange(10.0)
    rig.send(10.0)
    rig.status("synchronisation", containing="same stamp again")
    assert len(rig.received["rejections"]) == 1


def test_a_second_camera_on_the_topics_is_refused_without_a_target_frame(rig):
    rig.exchange(10.0)
    _, rejections = rig.exchange(10.1, frame_id="another_camera")
    assert reasons(rejections) == {0: "invalid_input"}
    assert "another_camera" in rejections[0].detail
    assert "set target_frame" in rejections[0].detail
    assert_goes_on(rig)


def test_two_publishers_at_once_are_pointed_out_and_survived(rig, messages):
    other = rig.client.create_publisher(Image, "image", 10)
    rig.until(lambda: rig.client.count_publishers(f"{rig.namespace}/image") == 1, "the publisher")
    for number in range(10):
        stamp = 10 + number / 10
        rig.send(stamp)
        other.publish(messages.stamped(messages.image_message(messages.Picture().color, "rgb8"), stamp - 0.01))
        rig.spin(0.03)
    assert "2 publishers" in rig.status("inputs", containing="get mixed").message
    assert_goes_on(rig)


def test_twenty_objects_in_one_frame_all_get_ids(rig, messages):
    blocks = {1 + i: (5 + 28 * (i // 5), 5 + 30 * (i % 5)) for i in range(20)}
    objects, rejections = rig.exchange(10.0, messages.Picture(blocks, size=20))
    assert rejections == []
    assert sorted(item.id for item in objects.objects) == list(range(1, 21))
    assert len({item.child_frame_id for item in objects.objects}) == 20


def test_more_masks_than_max_objects_are_rejected_by_name(make_rig):
    rig = make_rig(max_objects=1).up()
    objects, rejections = rig.exchange(10.0)
    assert len(objects.objects) == 1
    assert [rejection.reason for rejection in rejections] == ["too_many_objects"]


def test_an_incompatible_qos_is_named_in_the_diagnostics(make_rig):
    rig = make_rig(input_reliability="profile")
    name = f"qos_overrides.{rig.namespace}/depth.subscription.reliability"
    rig.node.declare_parameter(name, "reliable")
    rig.up()
    best_effort = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT, durability=DurabilityPolicy.VOLATILE)
    rig.client.create_publisher(Image, "depth", best_effort)
    status = rig.status("inputs", containing="incompatible")
    assert status.level == b"\x02"
    assert f"{rig.namespace}/depth" in status.message
    assert "RELIABILITY" in status.message
