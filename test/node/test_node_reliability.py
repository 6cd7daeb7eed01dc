"""Inputs follow the reliability that their publishers offer."""

from __future__ import annotations

from typing import Any

import pytest
from rclpy.qos import QoSProfile, ReliabilityPolicy

CASES = [("RELIABLE", "RELIABLE"), ("BEST_EFFORT", "BEST_EFFORT")]


def reliabilities(rig: Any, topic: str) -> set[ReliabilityPolicy]:
    infos = rig.node.get_subscriptions_info_by_topic(rig.node.resolve_topic_name(topic))
    return {info.qos_profile.reliability for info in infos if info.node_name == "sam3d"}


@pytest.mark.parametrize(("offered", "expected"), CASES)
def test_the_subscription_takes_what_all_publishers_offer(rig: Any, offered: str, expected: str) -> None:
    from sensor_msgs.msg import Image

    profile = QoSProfile(depth=5, reliability=ReliabilityPolicy[offered])
    rig.client.create_publisher(Image, "image", profile)
    rig.until(lambda: reliabilities(rig, "image") == {ReliabilityPolicy[expected]}, f"{expected} subscription")


def test_one_best_effort_publisher_among_reliable_ones_is_still_heard(rig: Any) -> None:
    from sensor_msgs.msg import Image

    for offered, expected in (("RELIABLE", "RELIABLE"), ("BEST_EFFORT", "BEST_EFFORT")):
        rig.client.create_publisher(Image, "image", QoSProfile(depth=5, reliability=ReliabilityPolicy[offered]))
        rig.until(lambda e=expected: reliabilities(rig, "image") == {ReliabilityPolicy[e]}, f"{expected} subscription")


def test_a_single_frame_of_reliable_publishers_is_not_lost_in_a_change(rig: Any) -> None:
    rig.send(10.0)
    objects, rejections = rig.answer(10.0)
    assert len(objects.objects) == 2
    assert rejections == []


def test_with_the_choice_profile_the_sensor_profile_stays(make_rig: Any) -> None:
    from sensor_msgs.msg import Image

    rig = make_rig(input_reliability="profile").up()
    rig.client.create_publisher(Image, "image", QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE))
    rig.spin(0.8)
    assert reliabilities(rig, "image") == {ReliabilityPolicy.BEST_EFFORT}
