"""MJCF: the scene for MuJoCo, every object with a free joint."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from .body import SceneBody
from .build import TABLE_THICKNESS, Scene
from .mesh_names import MESH_FOLDER, part_names, visual_name
from .xml_text import document, numbers

# Rolling friction, which only six-dimensional contacts have, is what keeps a ball where it was put.
_FRICTION = "0.7 0.005 0.0005"
_VISUAL, _COLLISION = "visual", "collision"


def encode_mjcf(scene: Scene) -> bytes:
    """The bytes of an MJCF file: world z up, table top at z = 0, each object free at its pose; metres, kg."""
    root = Element("mujoco", model="scene")
    SubElement(root, "compiler", meshdir=MESH_FOLDER, angle="radian")
    SubElement(root, "option", timestep="0.002", integrator="implicitfast", cone="elliptic", impratio="10")
    _add_defaults(root)
    asset, world = SubElement(root, "asset"), SubElement(root, "worldbody")
    SubElement(world, "light", pos="0 0 2", dir="0 0 -1", directional="true")
    _add_table(world, scene)
    for body in scene.bodies:
        _add_meshes(asset, body)
        _add_body(world, body)
    return document(root)


def _add_defaults(root: Element) -> None:
    default = SubElement(root, "default")
    visual = SubElement(default, "default", {"class": _VISUAL})
    SubElement(visual, "geom", contype="0", conaffinity="0", group="2", mass="0")
    collision = SubElement(default, "default", {"class": _COLLISION})
    SubElement(collision, "geom", group="3", condim="6", friction=_FRICTION)


def _add_table(world: Element, scene: Scene) -> None:
    half = (*((scene.table_upper_xy - scene.table_lower_xy) / 2), TABLE_THICKNESS / 2)
    middle = (*((scene.table_upper_xy + scene.table_lower_xy) / 2), -TABLE_THICKNESS / 2)
    table = SubElement(world, "geom", {"class": _COLLISION}, name="table", type="box", group="0")
    table.set("size", numbers(half))
    table.set("pos", numbers(middle))
    table.set("rgba", "0.6 0.55 0.5 1")


def _add_meshes(asset: Element, body: SceneBody) -> None:
    for name in (visual_name(body), *part_names(body)):
        SubElement(asset, "mesh", name=_mesh(name), file=name)


def _add_body(world: Element, body: SceneBody) -> None:
    element = SubElement(world, "body", name=body.name)
    element.set("pos", numbers(body.T_world_obj.translation_xyz))
    element.set("quat", numbers(body.T_world_obj.quat_wxyz))
    SubElement(element, "freejoint", name=f"{body.name}_free")
    _add_inertial(element, body)
    colour = numbers((*body.mean_rgb, 1.0))
    SubElement(element, "geom", {"class": _VISUAL}, type="mesh", mesh=_mesh(visual_name(body)), rgba=colour)
    for name in part_names(body):
        SubElement(element, "geom", {"class": _COLLISION}, type="mesh", mesh=_mesh(name))


def _add_inertial(element: Element, body: SceneBody) -> None:
    inertial = SubElement(element, "inertial", mass=numbers([body.inertial.mass]))
    inertial.set("pos", numbers(body.inertial.centre_obj))
    inertial.set("fullinertia", numbers(body.inertial.upper_triangle()))


def _mesh(file_name: str) -> str:
    """Name of a mesh asset: that of its file without suffix."""
    return file_name.removesuffix(".obj")
