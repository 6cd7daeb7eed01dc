"""URDF: a file for each object, and one with all of them and the table at their poses."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

import numpy as np
from scipy.spatial.transform import Rotation

from ..geometry import SE3
from .body import SceneBody
from .build import TABLE_THICKNESS, Scene
from .mesh_names import MESH_FOLDER, part_names, visual_name
from .xml_text import document, numbers

JOINTS = ("floating", "fixed")
_TABLE_RGBA = (0.6, 0.55, 0.5, 1.0)


def encode_object_urdf(body: SceneBody, *, mesh_prefix: str = "") -> bytes:
    """The bytes of the URDF of one object: a single link in the object frame, to be spawned at a pose."""
    robot = Element("robot", name=body.name)
    _add_object_link(robot, body, mesh_prefix)
    return document(robot)


def encode_scene_urdf(scene: Scene, *, joint: str = "floating", mesh_prefix: str = "") -> bytes:
    """The bytes of the URDF of all objects and the table; the root link is `world`, z up, table top at z = 0.

    `joint` is the type of the objects' joints: floating, or fixed for readers that know no floating ones.
    """
    robot = Element("robot", name="scene")
    SubElement(robot, "link", name="world")
    _add_table(robot, scene)
    for body in scene.bodies:
        _add_object_link(robot, body, mesh_prefix)
        _add_joint(robot, body.name, joint, body.T_world_obj)
    return document(robot)


def _add_object_link(robot: Element, body: SceneBody, mesh_prefix: str) -> None:
    link = SubElement(robot, "link", name=body.name)
    _add_inertial(link, body)
    visual = SubElement(link, "visual")
    _add_mesh(visual, mesh_prefix, visual_name(body))
    _add_material(visual, f"{body.name}_colour", (*body.mean_rgb, 1.0))
    for name in part_names(body):
        _add_mesh(SubElement(link, "collision"), mesh_prefix, name)


def _add_inertial(link: Element, body: SceneBody) -> None:
    inertial = SubElement(link, "inertial")
    SubElement(inertial, "origin", xyz=numbers(body.inertial.centre_obj), rpy="0 0 0")
    SubElement(inertial, "mass", value=numbers([body.inertial.mass]))
    names = ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")
    values = body.inertial.upper_triangle()
    SubElement(inertial, "inertia", {name: numbers([value]) for name, value in zip(names, values, strict=True)})


def _add_mesh(parent: Element, mesh_prefix: str, name: str) -> None:
    geometry = SubElement(parent, "geometry")
    SubElement(geometry, "mesh", filename=f"{mesh_prefix}{MESH_FOLDER}/{name}")


def _add_material(visual: Element, name: str, rgba: tuple[float, ...]) -> None:
    SubElement(SubElement(visual, "material", name=name), "color", rgba=numbers(rgba))


def _add_table(robot: Element, scene: Scene) -> None:
    link = SubElement(robot, "link", name="table")
    size = (*(scene.table_upper_xy - scene.table_lower_xy), TABLE_THICKNESS)
    for kind in ("visual", "collision"):
        box = SubElement(SubElement(SubElement(link, kind), "geometry"), "box")
        box.set("size", numbers(size))
    _add_material(link[0], "table_colour", _TABLE_RGBA)
    middle = (scene.table_upper_xy + scene.table_lower_xy) / 2
    _add_joint(robot, "table", "fixed", SE3(np.array([1.0, 0, 0, 0]), np.array([*middle, -TABLE_THICKNESS / 2])))


def _add_joint(robot: Element, child: str, kind: str, T_world_child: SE3) -> None:
    joint = SubElement(robot, "joint", name=f"world_to_{child}", type=kind)
    SubElement(joint, "parent", link="world")
    SubElement(joint, "child", link=child)
    # URDF turns about the fixed axes x, y, z in this order.
    rpy = Rotation.from_quat(T_world_child.quat_xyzw).as_euler("xyz")
    SubElement(joint, "origin", xyz=numbers(T_world_child.translation_xyz), rpy=numbers(rpy))
