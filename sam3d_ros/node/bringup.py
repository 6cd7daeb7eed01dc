"""What the launch files of this package share: arguments, camera presets, the nodes. Needs launch and launch_ros."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

from ..replay.bags.bag import Bag
from ..replay.bags.topics import find_inputs

Rules = list[tuple[str, str]]

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


def description(
    share: Share,
    build: Callable[[Rules], Sequence[Action]],
    *,
    topics: Callable[[LaunchContext], Mapping[str, str]] = lambda _: {},
    more: Mapping[str, tuple[str | None, str]] | None = None,
    **defaults: str,
) -> LaunchDescription:
    """Arguments, what `build` makes of the remap rules of the inputs, and RViz where it is asked for.

    `topics` goes before the camera preset, `more` are further arguments (default, description), `defaults` those of the
    common ones.
    """

    def expand(context: LaunchContext) -> list[Action]:
        preset = share.cameras()[LaunchConfiguration("camera").perform(context)]
        given = {name: LaunchConfiguration(name).perform(context) for name in INPUTS}
        rules = remappings({**preset["topics"], **topics(context)}, given)
        frame = LaunchConfiguration("target_frame").perform(context) or preset["frame"]
        return [*build(rules), _rviz(share, rules, frame)]

    return LaunchDescription([*_arguments(share, more or {}, defaults), OpaqueFunction(function=expand)])


def topics_of_bag(path: str) -> dict[str, str]:
    """The inputs that a recording holds, by role; raises BagError naming what is missing or ambiguous."""
    with Bag(Path(path)) as bag:
        return {role.value: topic.name for role, topic in find_inputs(bag.topics, {}).by_role().items()}


def bag_player(bag: SomeSubstitutionsType, rules: Rules) -> Node:
    """Plays a recording with /clock as soon as the node listens to the inputs."""
    heard = [topic for name, topic in rules if name in ("image", "depth", "points", "mask")]
    options = ["--rate", LaunchConfiguration("rate"), "--loop", LaunchConfiguration("loop"), "--wait-for", *heard]
    return Node(package="sam3d_ros", executable="bag_player", arguments=[bag, *options], output="screen")


PLAYER_ARGUMENTS: dict[str, tuple[str | None, str]] = {
    "rate": ("1.0", "Times the recorded speed."),
    "loop": ("1", "Play the recording so many times."),
}


def remappings(preset: Mapping[str, str], given: Mapping[str, str]) -> Rules:
    """Remap rules of the inputs: a given name goes before the preset's; without either the name stays relative."""
    names = {name: given.get(name) or preset.get(name, "") for name in INPUTS}
    rules = [(name, topic) for name, topic in names.items() if topic]
    if names["image"]:
        rules.append(("image/compressed", f"{names['image']}/compressed"))
    return rules


def sam3d_node(rules: Rules, **overrides: Any) -> LifecycleNode:
    """The reconstruction node; `overrides` are parameters."""
    common = _common(rules, {"autostart": LaunchConfiguration("autostart"), **overrides})
    return LifecycleNode(name="sam3d", executable="sam3d_node", **common)


def tabletop_masks_node(rules: Rules) -> Node:
    """The node that makes masks of what stands on a table."""
    return Node(name="tabletop_masks", executable="tabletop_masks", **_common(rules, {}))


def _arguments(
    share: Share, more: Mapping[str, tuple[str | None, str]], defaults: Mapping[str, str]
) -> list[DeclareLaunchArgument]:
    """The launch arguments that every launch file of this package takes, and `more`."""
    described: dict[str, tuple[str | None, str]] = {
        "namespace": ("", "Namespace of the nodes and of relative topics."),
        "params_file": (share.parameters, "Parameters of the nodes."),
        "use_sim_time": ("false", "Take the time from /clock."),
        "rviz": ("false", "Start RViz with this package's view."),
        "target_frame": ("", "Fixed frame of the poses; empty: the camera's."),
        "log_level": ("info", "debug, info, warn or error."),
        "autostart": ("true", "Configure and activate without a lifecycle manager."),
        **{name: ("", f"Topic of {name}; empty: as the camera preset says.") for name in INPUTS},
        **more,
    }
    camera = DeclareLaunchArgument(
        "camera",
        default_value="generic",
        choices=sorted(share.cameras()),
        description="Driver whose topic names are remapped; see config/cameras.yaml.",
    )
    return [
        camera,
        *(
            DeclareLaunchArgument(name, default_value=defaults.get(name, default), description=text)
            for name, (default, text) in described.items()
        ),
    ]


def _rviz(share: Share, rules: Rules, fixed_frame: str) -> Node:
    """RViz in the same namespace, so that the relative topics of its view follow; rviz2 is needed only for this."""
    return Node(
        package="rviz2",
        executable="rviz2",
        namespace=LaunchConfiguration("namespace"),
        arguments=["-d", share.rviz, "-f", fixed_frame],
        remappings=[rule for rule in rules if rule[0] == "image"],
        parameters=[{"use_sim_time": LaunchConfiguration("use_sim_time")}],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )


def _common(rules: Rules, overrides: Mapping[str, SomeSubstitutionsType]) -> dict[str, Any]:
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
        "remappings": rules,
        "arguments": ["--ros-args", "--log-level", LaunchConfiguration("log_level")],
        "output": "screen",
        "emulate_tty": True,
    }
