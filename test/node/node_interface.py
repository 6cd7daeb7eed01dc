"""What a running node offers and reads, for comparison with what is written about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.action import get_action_server_names_and_types_by_node
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from sam3d_ros.node.tabletop_masks import TabletopMasks

# Both sides of each choice that changes what a node reads.
VARIANTS: tuple[dict[str, Any], ...] = (
    {"depth_source": "depth", "image_transport": "raw", "target_frame": "", "use_sim_time": False},
    {"depth_source": "points", "image_transport": "compressed", "target_frame": "world", "use_sim_time": True},
)


@dataclass(frozen=True)
class Topic:
    """A topic as the tables name it: relative to the namespace or to the node."""

    name: str
    kind: str
    qos: str


@dataclass(frozen=True)
class Interface:
    """Everything that joins a node to others, standard parts of rclpy included."""

    publishers: frozenset[Topic]
    subscriptions: frozenset[Topic]
    services: frozenset[tuple[str, str]]
    actions: frozenset[tuple[str, str]]


def make_tabletop(variant: dict[str, Any]) -> TabletopMasks:
    """A tabletop_masks node; it always takes raw images. To be closed, which ends its worker."""
    chosen = {name: value for name, value in variant.items() if name != "image_transport"}
    overrides = [Parameter(name, value=value) for name, value in chosen.items()]
    return TabletopMasks(namespace="/table", parameter_overrides=overrides)


def interface_of(node: Node) -> Interface:
    """What the node has now. Topics come from the node itself, services and actions from the ROS graph."""

    def named(endpoint: Any) -> Topic:
        full = endpoint.topic_name if hasattr(endpoint, "topic_name") else endpoint.topic
        name = _short(node.resolve_topic_name(full), node)
        return Topic(name, _kind(endpoint.msg_type), _qos_text(endpoint.qos_profile))

    own = (node.get_name(), node.get_namespace())
    return Interface(
        frozenset(named(publisher) for publisher in node.publishers),
        frozenset(named(subscription) for subscription in node.subscriptions),
        _pairs(node.get_service_names_and_types_by_node(*own), node),
        _pairs(get_action_server_names_and_types_by_node(node, *own), node),
    )


def graph_names(find: Callable[[str, str], list[tuple[str, list[str]]]], node: Node) -> set[str]:
    """Short names that a query of the graph gives for a node; they include what lies below rclpy, as /rosout."""
    return {_short(name, node) for name, _ in find(node.get_name(), node.get_namespace())}


def _pairs(found: list[tuple[str, list[str]]], node: Node) -> frozenset[tuple[str, str]]:
    return frozenset((_short(name, node), kind) for name, kinds in found for kind in kinds)


def _short(full: str, node: Node) -> str:
    """`~/x` for the node's own names, `x` in its namespace, `/x` elsewhere. Nodes under test have a namespace."""
    private, space = node.get_fully_qualified_name() + "/", node.get_namespace() + "/"
    return "~/" + full.removeprefix(private) if full.startswith(private) else full.removeprefix(space)


def _kind(message: type) -> str:
    return f"{message.__module__.split('.')[0]}/msg/{message.__name__}"


def _qos_text(profile: Any) -> str:
    words = ["reliable" if profile.reliability is ReliabilityPolicy.RELIABLE else "best effort"]
    words += ["transient local"] if profile.durability is DurabilityPolicy.TRANSIENT_LOCAL else []
    return ", ".join(words)
