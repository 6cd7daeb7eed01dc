"""From the objects of one frame to a scene: world, bodies, table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3, Mesh
from ..pipeline.finish import centre_mesh
from ..replay.truth.truth_object import TruthObject
from .body import SceneBody, SceneError, body_name
from .collision import collision_parts
from .inertia import Inertial, inertial_of
from .options import SceneOptions
from .placing import Afloat, Placed, place
from .world import find_world

TABLE_THICKNESS = 0.04  # m
_TABLE_MARGIN = 0.25  # m around the objects


@dataclass(frozen=True, slots=True)
class Contact:
    """Two bodies that overlap by `depth_mm` where they stand: a simulator will push them apart."""

    lower: str
    upper: str
    depth_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Bodies in a world with z up, on a table whose top is z = 0; metres."""

    bodies: tuple[SceneBody, ...]
    T_world_cam: SE3
    table_lower_xy: NDArray[np.float64]  # [2], corners of the table's top in the world
    table_upper_xy: NDArray[np.float64]  # [2]
    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """An object as seen: centred mesh, collision parts and inertia in its object frame."""

    object_id: int
    mesh: Mesh
    parts: tuple[Mesh, ...]
    inertial: Inertial
    T_cam_obj: SE3


def build_scene(objects: Sequence[TruthObject], options: SceneOptions) -> Scene:
    """The scene of what one frame shows, one or more objects with closed meshes in their object frames.

    Raises SceneError that names the object where a mesh is not closed or has no volume, and
    DecompositionUnavailableError where convex parts need a package that is not installed.
    """
    if not objects:
        raise SceneError("there are no objects, so there is no scene; see rejections.json for the reasons")
    seen = [_prepared(item, options) for item in objects]
    T_world_cam = _world(seen, options)
    poses = [T_world_cam @ item.T_cam_obj for item in seen]
    afloat = [_afloat(item, pose) for item, pose in zip(seen, poses, strict=True)]
    placed, overlaps = place(afloat, options)
    bodies = tuple(_body(*given) for given in zip(seen, poses, placed, strict=True))
    contacts = tuple(Contact(bodies[item.lower].name, bodies[item.upper].name, 1e3 * item.depth) for item in overlaps)
    return Scene(bodies, T_world_cam, *_table(bodies), contacts)


def _prepared(item: TruthObject, options: SceneOptions) -> _Seen:
    mesh, T_cam_obj = centre_mesh(item.mesh, item.T_cam_obj)
    try:
        inertial = inertial_of(mesh, options.density)
        parts = collision_parts(mesh, options.form)
    except ValueError as error:
        raise SceneError(f"{body_name(item.label)}: {error}; give results of reconstruct, they are closed") from error
    return _Seen(item.label, mesh, parts, inertial, T_cam_obj)


def _world(seen: Sequence[_Seen], options: SceneOptions) -> SE3:
    meshes_cam = [item.mesh.transformed(item.T_cam_obj) for item in seen]
    axes = np.stack([item.T_cam_obj.rotation[:, 2] for item in seen])
    return find_world(meshes_cam, axes, options.up_cam)


def _afloat(item: _Seen, T_world_obj: SE3) -> Afloat:
    return Afloat(_transformed(item.parts, T_world_obj), T_world_obj.apply(item.inertial.centre_obj))


def _transformed(parts: Sequence[Mesh], T_b_a: SE3) -> tuple[Mesh, ...]:
    return tuple(part.transformed(T_b_a) for part in parts)


def _body(item: _Seen, T_world_obj: SE3, placed: Placed) -> SceneBody:
    pose = SE3(T_world_obj.quat_wxyz, T_world_obj.translation_xyz + placed.shift)
    parts = _transformed(placed.parts, pose.inverse())
    return SceneBody(item.object_id, item.mesh, parts, item.inertial, item.T_cam_obj, pose, placed.shift)


def _table(bodies: Sequence[SceneBody]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points_xy = np.concatenate([body.T_world_obj.apply(body.mesh.vertices)[:, :2] for body in bodies])
    return points_xy.min(axis=0) - _TABLE_MARGIN, points_xy.max(axis=0) + _TABLE_MARGIN
