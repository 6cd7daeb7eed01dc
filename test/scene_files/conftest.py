"""Closed shapes whose volume is known, and objects standing on a table before a tilted camera."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.replay.truth.truth_object import TruthObject

# The camera looks down by 35 degrees, 0.6 m above the table.
_TILT = np.radians(35.0)
UP_CAM = np.array([0.0, -np.cos(_TILT), -np.sin(_TILT)])


def mesh_of(shape: trimesh.Trimesh) -> Mesh:
    return Mesh(shape.vertices, shape.faces, np.full((len(shape.vertices), 3), (200, 40, 40)))


def box(x: float, y: float, z: float) -> Mesh:
    return mesh_of(trimesh.creation.box((x, y, z)))


def cylinder(radius: float, height: float) -> Mesh:
    return mesh_of(trimesh.creation.cylinder(radius, height, sections=64))


def ball(radius: float) -> Mesh:
    return mesh_of(trimesh.creation.icosphere(subdivisions=4, radius=radius))


def rough_below(x: float, y: float, z: float) -> Mesh:
    """A box of 12,288 triangles whose underside is rounded and rough by millimetres, as guessed ones are."""
    shape = trimesh.creation.box((x, y, z))
    for _ in range(5):
        shape = shape.subdivide()
    vertices = shape.vertices.copy()
    low = vertices[:, 2] < -z / 2 + 1e-6
    across = np.linalg.norm(vertices[low, :2] / (x / 2, y / 2), axis=1)
    rough = 0.0015 * np.random.default_rng(0).standard_normal(low.sum())
    vertices[low, 2] += 0.006 * across**2 + np.abs(rough)
    return mesh_of(trimesh.Trimesh(vertices, shape.faces, process=False))


def upside_down(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices * np.array([1.0, -1.0, -1.0]), mesh.triangles, mesh.vertex_colors)


def standing(label: int, mesh: Mesh, x: float, y: float, above: float = 0.0, turn: float = 0.3) -> TruthObject:
    """An object on the table at x, y metres, `above` metres over it, seen from the tilted camera."""
    spin = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    T_table_obj = SE3.from_rotation(spin, [x, y, above - mesh.vertices[:, 2].min()])
    return TruthObject(label, f"thing {label}", mesh, T_cam_table() @ T_table_obj)


def T_cam_table() -> SE3:
    right = np.array([1.0, 0.0, 0.0])
    return SE3.from_rotation(np.stack([right, np.cross(UP_CAM, right), UP_CAM], axis=1), [0.0, 0.2, 0.9])


class Kit:
    """The functions of this module, for tests."""

    up_cam = UP_CAM
    box, cylinder, ball = staticmethod(box), staticmethod(cylinder), staticmethod(ball)
    rough_below, upside_down = staticmethod(rough_below), staticmethod(upside_down)
    standing, T_cam_table = staticmethod(standing), staticmethod(T_cam_table)


@pytest.fixture(scope="session")
def kit() -> type[Kit]:
    return Kit
