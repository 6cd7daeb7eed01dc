"""What the launch files of this package share: arguments, camera presets, the nodes. Needs launch and launch_ros."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from launch.action import Action
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchContext, LaunchDescription, SomeSubstitutionsType

INPUTS = ("image", "camera_info", "depth", "points", "mask", "detections")


@dataclass(frozen=True, slots=True)
class Share:
    """Folder that holds launch/, config/ and rviz/: the checkout, or share/sam3d_ros of an installation."""

    root: Path

    @staticmethod
    def of(launch_file: str) -> Share:
        return Share(Path(launch_file).absolute().parent.parent)

    @property
    def parameters(self) -> str:
        return str(self.root / "config" / "sam3d.yaml")

    @property
    def rviz(self) -> str:
        return str(self.root / "rviz" / "sam3d.rviz")

    def cameras(self) -> dict[str, Any]:
        """Camera presets by name."""
        presets: dict[str, Any] = yaml.safe_load((self.root / "config" / "cameras.yaml").read_text())
        return presets


def arguments(share: Share, *, camera: bool = True) -> list[Action]:
    """The launch arguments that every launch file of this package takes."""
    declared = [
        DeclareLaunchArgument("namespace", default_value="", description="Namespace of the nodes and relative topics."),
        DeclareLaunchArgument("params_file", default_value=share.parameters, description="Parameters of the nodes."),
        DeclareLaunchArgument("use_sim_time", default_value="false", description="Take the time from /clock."),
        DeclareLaunchArgument("rviz", default_value="false", description="Start RViz with this package's view."),
        DeclareLaunchArgument("target_frame", default_value="", description="Fixed frame of the poses; empty: camera."),
        DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn or error."),
        DeclareLaunchArgument("autostart", default_value="true", description="Configure and activate by itself."),
    ]
    if camera:
        declared.append(
            DeclareLaunchArgument(
                "camera",
                default_value="generic",
                choices=sorted(share.cameras()),
                description="Topic names of this driver are remapped; see config/cameras.yaml.",
            )
        )
        declared += [
            DeclareLaunchArgument(
                name, default_value="", description=f"Topic of the input {name}; empty: as camera says."
            )
            for name in INPUTS
        ]
    return list(declared)


def remappings(preset: Mapping[str, str], given: Mapping[str, str]) -> list[tuple[str, str]]:
    """Remap rules of the inputs: a given name goes before the preset's; without either the name stays relative."""
    names = {name: given.get(name) or preset.get(name, "") for name in INPUTS}
    rules = [(name, topic) for name, topic in names.items() if topic]
    if names["image"]:
        rules.append(("image/compressed", f"{names['image']}/compressed"))
    return rules


def with_remappings(share: Share, build: Any) -> OpaqueFunction:
    """`build(rules)` called when the arguments are known: a list of actions from the remap rules of the camera."""

    def expand(context: LaunchContext) -> Sequence[Action]:
        preset = share.cameras()[LaunchConfiguration("camera").perform(context)]["topics"]
        given = {name: LaunchConfiguration(name).perform(context) for name in INPUTS}
        actions: Sequence[Action] = build(remappings(preset, given))
        return actions

    return OpaqueFunction(function=expand)


def sam3d_node(rules: Sequence[tuple[str, str]] = (), **overrides: Any) -> LifecycleNode:
    """The reconstruction node."""
    return LifecycleNode(
        name="sam3d", executable="sam3d_node", **_common(rules, overrides, "target_frame", "autostart")
    )


def tabletop_masks_node(rules: Sequence[tuple[str, str]] = ()) -> Node:
    """The node that makes masks of what stands on a table."""
    return Node(name="tabletop_masks", executable="tabletop_masks", **_common(rules, {}))


def rviz(share: Share) -> Node:
    """RViz with the view of this package; started only with `rviz:=true`, as rviz2 is not a hard dependency."""
    return Node(
        package="rviz2",
        executable="rviz2",
        arguments=["-d", share.rviz],
        parameters=[{"use_sim_time": LaunchConfiguration("use_sim_time")}],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )


def description(share: Share, actions: Sequence[Action], *, camera: bool = True) -> LaunchDescription:
    """Arguments, the given actions and RViz."""
    return LaunchDescription([*arguments(share, camera=camera), *actions, rviz(share)])


def _common(rules: Sequence[tuple[str, str]], overrides: Mapping[str, SomeSubstitutionsType]) -> dict[str, Any]:
    """What both nodes take from the launch arguments."""
    values: dict[str, Any] = {
        "use_sim_time": LaunchConfiguration("use_sim_time"),
        # As a string whatever it looks like: an empty argument must not become null.
        "target_frame": ParameterValue(LaunchConfiguration("target_frame"), value_type=str),
    }
    return {
        "package": "sam3d_ros",
        "namespace": LaunchConfiguration("namespace"),
        "parameters": [LaunchConfiguration("params_file"), {**values, **overrides}],
        "remappings": list(rules),
        "arguments": ["--ros-args", "--log-level", LaunchConfiguration("log_level")],
        "output": "screen",
        "emulate_tty": True,
    }
