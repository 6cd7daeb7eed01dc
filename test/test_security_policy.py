"""The SROS 2 policy is one that `ros2 security` takes: elements and attributes of the policy schema, version 0.2.0."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

POLICY = ElementTree.parse(Path(__file__).resolve().parents[1] / "config" / "sros2" / "sam3d.policy.xml").getroot()
# By element: its children, the attributes it must have, and those of which it may have some.
SCHEMA = {
    "policy": ({"enclaves"}, {"version"}, set()),
    "enclaves": ({"enclave"}, set(), set()),
    "enclave": ({"profiles"}, {"path"}, set()),
    "profiles": ({"profile"}, set(), {"type"}),
    "profile": ({"topics", "services", "actions"}, {"ns", "node"}, set()),
    "topics": ({"topic"}, set(), {"publish", "subscribe"}),
    "services": ({"service"}, set(), {"reply", "request"}),
    "actions": ({"action"}, set(), {"call", "execute"}),
    "topic": (set(), set(), set()),
    "service": (set(), set(), set()),
    "action": (set(), set(), set()),
}
ELEMENTS = list(POLICY.iter())


@pytest.mark.parametrize("element", ELEMENTS, ids=lambda element: element.tag)
def test_every_element_is_one_of_the_schema(element):
    children, needed, possible = SCHEMA[element.tag]
    assert {child.tag for child in element} <= children
    assert bool(children) == bool(len(element))
    assert needed <= set(element.attrib) <= needed | possible


def test_the_policy_begins_as_sros2_expects():
    assert (POLICY.tag, POLICY.get("version")) == ("policy", "0.2.0")


def test_every_list_allows_something_and_none_denies():
    lists = [element for element in ELEMENTS if element.tag in ("topics", "services", "actions")]
    assert lists
    assert all(set(element.attrib.values()) == {"ALLOW"} for element in lists)


def test_names_are_written_once_and_without_wildcards():
    for element in ELEMENTS:
        names = [child.text for child in element if child.tag in ("topic", "service", "action")]
        assert len(set(names)) == len(names)
        assert all(name and name == name.strip() and "*" not in name for name in names)


def test_enclaves_are_named_after_their_nodes():
    for enclave in POLICY.iter("enclave"):
        (profile,) = enclave.iter("profile")
        assert enclave.get("path") == f"{profile.get('ns')}{profile.get('node')}"
