"""Start the reconstruction node and a mask source for things that stand on a table: a camera alone is enough.

ros2 launch sam3d_ros tabletop.launch.py camera:=realsense rviz:=true
"""

from launch import LaunchDescription
from sam3d_ros.node.bringup import Share, description, sam3d_node, tabletop_masks_node


def generate_launch_description() -> LaunchDescription:
    return description(Share.of(__file__), lambda rules: [tabletop_masks_node(rules), sam3d_node(rules)])
