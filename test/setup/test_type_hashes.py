"""Our tf2_msgs and vision_msgs are the published ones on the wire: REP 2011 type hashes, computed in three ways.

`published_type_hashes.json` was computed from the published definitions (see docs/decisions/interfaces.md). Compared
with it are the hashes that our build generated, those computed here from our .msg files, and those of rosbags' copy.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from pathlib import Path

import pytest
from rosbags.typesys import Stores, get_typestore

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = json.loads((Path(__file__).parent / "published_type_hashes.json").read_text())
MESSAGES = sorted(name for name in PUBLISHED if "/msg/" in name)

# Numbers of type_description_interfaces/FieldType.
TYPE_IDS = {
    "int8": 2,
    "uint8": 3,
    "char": 3,
    "int16": 4,
    "uint16": 5,
    "int32": 6,
    "uint32": 7,
    "int64": 8,
    "uint64": 9,
    "float32": 10,
    "float64": 11,
    "bool": 15,
    "byte": 16,
    "string": 17,
}
NESTED, ARRAY, BOUNDED_SEQUENCE, SEQUENCE = 1, 48, 96, 144
FIELD = re.compile(r"^(?P<type>[\w/]+)(?P<array>\[(?P<bound><=)?(?P<size>\d*)\])?\s+(?P<name>\w+)\s*(?P<rest>.*)$")


def prefixes() -> list[Path]:
    """Where ROS packages are installed."""
    listed = [Path(part) for part in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if part]
    return [Path(sys.prefix), *listed]


def definition(type_name: str) -> str:
    """Text of a message: ours where we carry the package, else the installed one."""
    package, _, name = type_name.split("/")
    places = [ROOT / "interfaces" / package, *(prefix / "share" / package for prefix in prefixes())]
    for place in places:
        path = place / "msg" / f"{name}.msg"
        if path.exists():
            return path.read_text()
    pytest.skip(f"{type_name} is not installed: run `make setup`")


def field_type(match: re.Match[str], package: str) -> dict[str, object]:
    """The type of one field as REP 2011 describes it."""
    base = match["type"]
    nested = ""
    type_id = TYPE_IDS.get(base, NESTED)
    if type_id == NESTED:
        parts = base.split("/")
        nested = f"{parts[0]}/msg/{parts[-1]}" if len(parts) > 1 else f"{package}/msg/{base}"
    size = int(match["size"] or 0)
    if match["array"]:
        type_id += BOUNDED_SEQUENCE if match["bound"] else ARRAY if size else SEQUENCE
    return {"type_id": type_id, "capacity": size, "string_capacity": 0, "nested_type_name": nested}


def describe(type_name: str) -> dict[str, object]:
    """Type description of one message: its fields in order, without constants, comments and defaults."""
    package = type_name.split("/")[0]
    lines = (line.split("#")[0].strip() for line in definition(type_name).splitlines())
    matches = [match for line in lines if (match := FIELD.match(line)) and not match["rest"].startswith("=")]
    fields = [{"name": match["name"], "type": field_type(match, package)} for match in matches]
    return {"type_name": type_name, "fields": fields}


def referenced(description: dict, seen: dict[str, dict]) -> dict[str, dict]:
    """Every type that the description leads to, by name."""
    for field in description["fields"]:
        name = field["type"]["nested_type_name"]
        if name and name not in seen:
            seen[name] = describe(name)
            referenced(seen[name], seen)
    return seen


def type_hash(type_name: str) -> str:
    """RIHS01: SHA-256 over the JSON of the type and of all types it refers to, sorted by name."""
    description = describe(type_name)
    others = referenced(description, {})
    whole = {"type_description": description, "referenced_type_descriptions": [others[name] for name in sorted(others)]}
    return "RIHS01_" + hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def generated_hashes() -> dict[str, str]:
    """Hashes that the generator wrote beside the built interfaces."""
    hashes = {}
    for package in ("tf2_msgs", "vision_msgs"):
        for prefix in prefixes():
            for path in (prefix / "share" / package).glob("*/*.json"):
                entries = json.loads(path.read_text())["type_hashes"]
                hashes.update({entry["type_name"]: entry["hash_string"] for entry in entries})
    return {name: value for name, value in hashes.items() if name.split("/")[0] in ("tf2_msgs", "vision_msgs")}


def test_built_interfaces_have_the_published_hashes():
    built = generated_hashes()
    if not built:
        pytest.skip("no built tf2_msgs and vision_msgs with type hashes (Humble has none)")
    assert built == PUBLISHED


@pytest.mark.parametrize("type_name", MESSAGES)
def test_our_definitions_give_the_published_hash_by_another_computation(type_name):
    assert type_hash(type_name) == PUBLISHED[type_name]


@pytest.mark.parametrize("type_name", ["tf2_msgs/msg/TFMessage", "tf2_msgs/msg/TF2Error"])
def test_the_copy_that_rosbags_carries_has_the_same_hash(type_name):
    store = get_typestore(Stores.ROS2_JAZZY)
    assert type_name in store.types
    assert store.hash_rihs01(type_name) == PUBLISHED[type_name]


def test_a_changed_field_order_changes_the_hash(monkeypatch):
    swapped = {"vision_msgs/msg/Point2D": "float64 y\nfloat64 x\n"}
    original = definition
    monkeypatch.setitem(globals(), "definition", lambda name: swapped.get(name) or original(name))
    assert type_hash("vision_msgs/msg/Point2D") != PUBLISHED["vision_msgs/msg/Point2D"]
    assert type_hash("vision_msgs/msg/Detection2DArray") != PUBLISHED["vision_msgs/msg/Detection2DArray"]


def test_our_constants_are_the_published_ones():
    constants = re.findall(r"^uint8 (\w+) = (\d+)$", definition("tf2_msgs/msg/TF2Error"), flags=re.MULTILINE)
    names = ["NO", "LOOKUP", "CONNECTIVITY", "EXTRAPOLATION", "INVALID_ARGUMENT", "TIMEOUT", "TRANSFORM"]
    assert constants == [(f"{name}_ERROR", str(number)) for number, name in enumerate(names)]
