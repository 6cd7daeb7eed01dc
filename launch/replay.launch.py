"""Play a recording to the reconstruction node under simulated time; its topics are found by themselves.

ros2 launch sam3d_ros replay.launch.py bag:=/path/to/recording target_frame:=map rviz:=true
"""

from launch.substitutions import LaunchConfiguration

from launch import LaunchContext, LaunchDescription
from sam3d_ros.node.bringup import PLAYER_ARGUMENTS, Share, bag_player, description, sam3d_node, topics_of_bag


def topics(context: LaunchContext) -> dict[str, str]:
    return topics_of_bag(LaunchConfiguration("bag").perform(context))


def generate_launch_description() -> LaunchDescription:
    return description(
        Share.of(__file__),
        lambda rules: [sam3d_node(rules), bag_player(LaunchConfiguration("bag"), rules)],
        topics=topics,
        more={"bag": (None, "Recording to play: .mcap, .db3 or the folder of one."), **PLAYER_ARGUMENTS},
        use_sim_time="true",
    )
