"""Film a synthetic tabletop, then play it to the reconstruction node: everything to see, without a camera.

ros2 launch sam3d_ros demo.launch.py rviz:=true
"""

from launch.action import Action
from launch.actions import ExecuteProcess, RegisterEventHandler
from launch.event_handlers import OnProcessExit
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import ExecutableInPackage

from launch import LaunchDescription
from sam3d_ros.node.bringup import PLAYER_ARGUMENTS, Rules, Share, bag_player, description, sam3d_node
from sam3d_ros.training.synthetic.bag import TOPICS


def actions(rules: Rules) -> list[Action]:
    output = LaunchConfiguration("output")
    command = ExecutableInPackage(executable="sam3d-ros", package="sam3d_ros")
    film = ExecuteProcess(cmd=[command, "demo", "--film-only", "--output", output], output="screen")
    player = bag_player(PathJoinSubstitution([output, "scene.mcap"]), rules)
    return [film, sam3d_node(rules), RegisterEventHandler(OnProcessExit(target_action=film, on_exit=[player]))]


def generate_launch_description() -> LaunchDescription:
    return description(
        Share.of(__file__),
        actions,
        topics=lambda _: TOPICS,
        more={"output": ("sam3d_ros_demo", "Folder for the recording that is made."), **PLAYER_ARGUMENTS},
        use_sim_time="true",
        target_frame="map",
    )
