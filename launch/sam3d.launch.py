"""Start the reconstruction node on the topics of a camera and of a mask source.

ros2 launch sam3d_ros sam3d.launch.py camera:=realsense mask:=/segmentation/labels target_frame:=base_link rviz:=true
"""

from launch import LaunchDescription
from sam3d_ros.node.bringup import Share, description, sam3d_node


def generate_launch_description() -> LaunchDescription:
    return description(Share.of(__file__), lambda rules: [sam3d_node(rules)])
