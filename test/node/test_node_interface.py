"""docs/interface.md against running nodes: topics with type and QoS, services, actions."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.ros
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "interface.md").read_text(encoding="utf-8")
# What rclpy gives every node; the page does not repeat it.
STANDARD_TOPICS = {"/parameter_events", "/rosout", "~/transition_event"}
STANDARD_SERVICES = ("rcl_interfaces/", "lifecycle_msgs/", "type_description_interfaces/")


def tables(text: str) -> list[list[dict[str, str]]]:
    """The tables of a text: rows by column, the marks around code left out."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines())
        found.append([{key: cell.strip("`") for key, cell in zip(head, row, strict=True)} for row in rows])
    return found


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def is_read(when: str, variant: dict[str, object]) -> bool:
    """Whether a row's "read with" holds: always, `name: value`, or the name of something that is set."""
    name, _, value = when.partition(": ")
    return name == "always" or (variant[name] == value if value else bool(variant[name]))


def described(rows: list[dict[str, str]]) -> set[tuple[str, str, str]]:
    return {(row["topic"], row["type"], row["QoS"]) for row in rows}


def seen(topics) -> set[tuple[str, str, str]]:
    return {(topic.name, topic.kind, topic.qos) for topic in topics if topic.name not in STANDARD_TOPICS}


@pytest.fixture(params=[0, 1], ids=["images", "points and compressed"])
def variant(request, interfaces):
    return interfaces.VARIANTS[request.param]


@pytest.fixture
def sam3d(make_rig, interfaces, variant):
    """What an active sam3d node has, once the graph knows of it."""
    rig = make_rig(**variant).up()
    rig.until(lambda: interfaces.interface_of(rig.node).actions, "the action in the graph")
    return interfaces.interface_of(rig.node)


@pytest.fixture
def tabletop(ros, interfaces, variant):
    node = interfaces.make_tabletop(variant)
    yield interfaces.interface_of(node)
    node.close()


def test_sam3d_reads_the_topics_of_the_table(sam3d, variant):
    (rows,) = tables(section("Topics in"))
    assert seen(sam3d.subscriptions) == described([row for row in rows if is_read(row["read with"], variant)])


def test_sam3d_publishes_the_topics_of_the_table(sam3d):
    (rows,) = tables(section("Topics out"))
    present = [row for row in rows if find_spec(row["type"].split("/")[0]) is not None]
    assert {row["topic"] for row in rows} - {row["topic"] for row in present} <= {"~/collision_objects"}
    assert seen(sam3d.publishers) == described(present)


def test_sam3d_offers_the_actions_and_services_of_the_table(sam3d):
    (rows,) = tables(section("Actions and services"))
    actions = dict(sam3d.actions)
    services = {
        name: kind
        for name, kind in sam3d.services
        if not kind.startswith(STANDARD_SERVICES) and "/_action/" not in name
    }
    assert {row["name"]: row["type"] for row in rows} == actions | services


def test_tabletop_masks_reads_and_publishes_the_topics_of_its_tables(tabletop, variant):
    inputs, outputs = tables(section("The node `tabletop_masks`"))
    assert seen(tabletop.subscriptions) == described([row for row in inputs if is_read(row["read with"], variant)])
    assert seen(tabletop.publishers) == described(outputs)
    assert not tabletop.actions


def test_each_row_is_read_in_one_of_the_variants(interfaces):
    for title in ("Topics in", "The node `tabletop_masks`"):
        rows = tables(section(title))[0]
        unread = [row for row in rows if not any(is_read(row["read with"], each) for each in interfaces.VARIANTS)]
        assert not unread
