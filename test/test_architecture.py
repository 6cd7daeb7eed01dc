"""The order of the rooms: imports point downwards only, and ROS stays in the node."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "sam3d_ros"
# From the ground up; a room may use itself and those below. The command line and the doctor stand beside the house.
FLOORS = (
    "geometry",
    "model",
    "pipeline",
    "segmentation",
    "tracking",
    "messages",
    "replay",
    "viewer",
    "scene_files",
    "training",
    "node",
)
BESIDE = ("cli", "doctor")
GENERATED = ("msg", "srv", "action")  # made from our interface files: they need ROS
ROS = ("rclpy", "rcl_interfaces", "tf2_ros", "message_filters", "diagnostic_updater", "ament_index_python", "launch")
# `sam3d-ros replay --ros`, `demo` and `view --ros` start the node's side when they run, through these modules alone.
DOORS = ("sam3d_ros.node.live_replay", "sam3d_ros.node.live_view")


def _imported(tree: ast.Module, module: tuple[str, ...], is_package: bool) -> Iterator[tuple[str, bool]]:
    """Absolute names of all imports, also those in functions, and whether they run when the module is imported."""
    at_import = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in at_import) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = module[: len(module) - node.level + is_package] if node.level else ()
            origin = ".".join((*home, *([node.module] if node.module else [])))
            names = [f"{origin}.{alias.name}" for alias in node.names] if _is_folder(origin) else [origin]
            yield from ((name, id(node) in at_import) for name in names)


def _is_folder(origin: str) -> bool:
    return (PACKAGE.parent / origin.replace(".", "/")).is_dir()


def _imports_of(path: Path) -> list[tuple[str, bool]]:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    module = parts[:-1] if path.name == "__init__.py" else parts
    return list(_imported(ast.parse(path.read_text()), module, path.name == "__init__.py"))


def _room(name: str) -> str | None:
    """The room of a module of ours; None for the package itself and for what others made."""
    parts = name.split(".")
    return parts[1] if parts[0] == "sam3d_ros" and len(parts) > 1 and _is_room(parts[1]) else None


def _is_room(name: str) -> bool:
    return (PACKAGE / name).is_dir()


def _is_ros(name: str) -> bool:
    first, second = (*name.split("."), "")[:2]
    return first in ROS or first.endswith(("_msgs", "_srvs")) or (first == "sam3d_ros" and second in GENERATED)


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in GENERATED)
OUTSIDE_THE_NODE = [path for path in MODULES if path.relative_to(PACKAGE).parts[0] != "node"]


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def test_every_room_has_its_floor():
    rooms = {path.relative_to(PACKAGE).parts[0] for path in MODULES if path.parent != PACKAGE}
    assert rooms == {*FLOORS, *BESIDE}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_point_downwards(path):
    room = path.relative_to(PACKAGE).parts[0]
    allowed = {*FLOORS[: FLOORS.index(room) + 1]} if room in FLOORS else {*FLOORS[:-1], *BESIDE}
    for name, _ in _imports_of(path):
        assert _room(name) is None or name in DOORS or _room(name) in allowed, f"{room} imports {name}"
        assert name not in DOORS or room in ("node", "cli"), f"{room} enters {name}"


@pytest.mark.parametrize("path", OUTSIDE_THE_NODE, ids=_name)
def test_only_the_node_imports_ros(path):
    for name, at_import in _imports_of(path):
        assert not _is_ros(name), f"{path.name} imports {name}"
        assert not (name in DOORS and at_import), f"{path.name} enters {name} when it is imported"


# Where torch may be imported when a module is; elsewhere it costs seconds that nobody asked for.
WITH_TORCH = (
    "model",
    "pipeline/sam3d",
    "training/data/batches",
    "training/data/targets",
    "training/engine",
    "training/losses",
    "training/stages",
)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_nobody_waits_for_torch_who_does_not_use_the_model(path):
    if _name(path).startswith(WITH_TORCH):
        return
    for name, at_import in _imports_of(path):
        heavy = name.split(".")[0] in ("torch", "safetensors") or name.startswith("sam3d_ros.model.")
        assert not (heavy and at_import), f"{path.name} imports {name} when it is imported"


def _violations(source: str) -> list[str]:
    names = [name for name, _ in _imported(ast.parse(source), ("sam3d_ros", "replay", "bag"), False)]
    return [name for name in names if _is_ros(name) or _room(name) == "node"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import rclpy.node", ["rclpy.node"]),
        ("def f():\n    from std_msgs.msg import Header", ["std_msgs.msg"]),
        ("from sam3d_ros.msg import PackedMesh", ["sam3d_ros.msg"]),
        ("from ..node import mailbox", ["sam3d_ros.node.mailbox"]),
        ("from .. import node", ["sam3d_ros.node"]),
        ("from ..node.builders.objects import pack_mesh", ["sam3d_ros.node.builders.objects"]),
        ("from .bag_writer import BagWriter\nimport numpy", []),
    ],
)
def test_the_check_itself_notices_what_it_looks_for(source, found):
    assert _violations(source) == found
