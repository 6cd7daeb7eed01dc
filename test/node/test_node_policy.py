"""The SROS 2 policy against running nodes: what they use is allowed, and nothing else is."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.ros
POLICY = ElementTree.parse(Path(__file__).resolve().parents[2] / "config" / "sros2" / "sam3d.policy.xml")
RULES = ("publish", "subscribe", "reply", "request", "call", "execute")
# Humble's nodes have no type descriptions; collision objects need a package that few machines have.
OPTIONAL = {("reply", "~/get_type_description")} | (
    set() if find_spec("moveit_msgs") else {("publish", "~/collision_objects")}
)


def allowed(node: str) -> set[tuple[str, str]]:
    """What the policy allows a node: rule and name."""
    (profile,) = (each for each in POLICY.iter("profile") if each.get("node") == node)
    return {(rule, name.text) for group in profile for rule in RULES if rule in group.attrib for name in group}


def used(node, interfaces) -> set[tuple[str, str]]:
    """What a node has in the graph; the topics and services of an action count as the action."""
    names = {
        "publish": interfaces.graph_names(node.get_publisher_names_and_types_by_node, node),
        "subscribe": interfaces.graph_names(node.get_subscriber_names_and_types_by_node, node),
        "reply": interfaces.graph_names(node.get_service_names_and_types_by_node, node),
        "request": interfaces.graph_names(node.get_client_names_and_types_by_node, node),
        "execute": {name for name, _ in interfaces.interface_of(node).actions},
    }
    return {(rule, name) for rule, found in names.items() for name in found if "/_action/" not in name}


def assert_equal(policy: set[tuple[str, str]], graph: set[tuple[str, str]]) -> None:
    assert graph <= policy, "used, but not allowed"
    assert policy - graph <= OPTIONAL, "allowed, but not used"


def test_the_policy_of_sam3d_is_what_it_uses_in_all_its_variants(make_rig, interfaces):
    graph = set()
    for variant in interfaces.VARIANTS:
        rig = make_rig(**variant).up()
        rig.until(lambda node=rig.node: ("execute", "~/reconstruct") in used(node, interfaces), "the action")
        rig.until(lambda node=rig.node: ("subscribe", "mask") in used(node, interfaces), "the inputs")
        graph |= used(rig.node, interfaces)
    assert_equal(allowed("sam3d"), graph)


def test_the_policy_of_tabletop_masks_is_what_it_uses_in_all_its_variants(ros, interfaces):
    graph = set()
    for variant in interfaces.VARIANTS:
        node = interfaces.make_tabletop(variant)
        graph |= used(node, interfaces)
        node.close()
    assert_equal(allowed("tabletop_masks"), graph)
