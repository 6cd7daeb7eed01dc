"""A node that reads the same topics and answers each mask with one empty marker: what DDS and rclpy alone take.

python bench/echo_node.py --ros-args -r __ns:=/somewhere
"""

from __future__ import annotations

from contextlib import suppress

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from visualization_msgs.msg import Marker, MarkerArray

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def main() -> None:
    """Echo until the process is ended."""
    rclpy.init()
    node = Node("echo")
    publisher = node.create_publisher(MarkerArray, "sam3d/markers", LATCHED)
    for name, kind in (("camera_info", CameraInfo), ("image", Image), ("depth", Image)):
        node.create_subscription(kind, name, lambda _: None, 5)

    def answer(mask: Image) -> None:
        publisher.publish(MarkerArray(markers=[Marker(header=mask.header)]))

    node.create_subscription(Image, "mask", answer, 5)
    with suppress(ExternalShutdownException):  # SIGTERM
        rclpy.spin(node)


if __name__ == "__main__":
    main()
