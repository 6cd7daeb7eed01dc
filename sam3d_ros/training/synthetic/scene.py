"""A table with objects standing on it: who stands where, without overlap, decided by a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from ...geometry import SE3, Mesh
from .props import Prop, make_prop, prop_names
from .room import make_room
from .surface import Array


class PlacementError(RuntimeError):
    """The objects do not fit beside each other on the table."""


@dataclass(frozen=True, slots=True)
class SceneConfig:
    """What a scene holds. The same config makes the same scene."""

    seed: int = 0
    props: tuple[str, ...] = ()  # empty: `count` different ones drawn by the seed
    count: int = 7
    half_width: float = 0.27  # m, of the area on which objects stand, along x
    half_depth: float = 0.19  # m, along y
    gap: float = 0.025  # m, between two objects
    triangles: int = 10_000  # of each object


@dataclass(frozen=True, slots=True, eq=False)
class PlacedProp:
    """An object in the world frame; `label` is its value in mask images."""

    label: int
    prop: Prop
    T_world_obj: SE3


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Objects with labels 1..N on a table with its top at z = 0, and the room around them. World frame: z up."""

    objects: tuple[PlacedProp, ...]
    room: tuple[Prop, ...]


def make_scene(config: SceneConfig) -> Scene:
    """The scene of a config; raises PlacementError where the objects find no place."""
    rng = np.random.default_rng(config.seed)
    names = config.props or tuple(rng.permutation(prop_names())[: config.count].tolist())
    props = [make_prop(name, config.triangles) for name in names]
    placed = _place(props, config, rng)
    objects = tuple(
        PlacedProp(label, prop, T_world_obj)
        for label, (prop, T_world_obj) in enumerate(zip(props, placed, strict=True), start=1)
    )
    return Scene(objects, make_room(config.seed))


def _place(props: list[Prop], config: SceneConfig, rng: np.random.Generator) -> list[SE3]:
    """A pose on the table for each prop: some whole arrangements are tried, larger objects first in each."""
    order = sorted(range(len(props)), key=lambda i: -float(np.prod(props[i].mesh.extents[:2])))
    for _ in range(50):
        poses: dict[int, SE3] = {}
        outlines: list[Array] = []
        for index in order:
            found = _find_place(props[index], outlines, config, rng)
            if found is None:
                break
            poses[index] = found
            outlines.append(footprint(props[index].mesh, found))
        else:
            return [poses[index] for index in range(len(props))]
    raise PlacementError(f"{len(props)} objects do not fit on the table: fewer objects, a larger area or a smaller gap")


def _find_place(prop: Prop, outlines: list[Array], config: SceneConfig, rng: np.random.Generator) -> SE3 | None:
    """A random upright pose that keeps the gap to the outlines that are there already; tall objects stay behind."""
    height = float(prop.mesh.extents[2])
    own = np.pad(footprint(prop.mesh, SE3.identity()), ((0, 0), (0, 1)))
    front = -config.half_depth if height < 0.12 else 0.3 * config.half_depth
    for _ in range(60):
        x = rng.uniform(-config.half_width, config.half_width)
        y = rng.uniform(front, config.half_depth)
        pose = upright(rng.uniform(0, 2 * np.pi), np.array([x, y, height / 2]))
        outline = pose.apply(own)[:, :2]
        if all(separation(outline, other) >= config.gap for other in outlines):
            return pose
    return None


def upright(yaw: float, position: Array) -> SE3:
    """Pose turned by `yaw` radians about z."""
    return SE3(np.array([np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)]), position)


def footprint(mesh: Mesh, T_world_obj: SE3) -> Array:
    """Convex outline [N, 2] of the object seen from above, counter-clockwise, world x, y."""
    flat = T_world_obj.apply(mesh.vertices)[:, :2]
    outline: Array = flat[ConvexHull(flat).vertices]
    return outline


def separation(first: Array, second: Array) -> float:
    """Lower bound of the distance between two convex outlines (separating axis); negative where they overlap."""
    return max(_axis_gap(first, second), _axis_gap(second, first))


def _axis_gap(first: Array, second: Array) -> float:
    edges = np.roll(first, -1, axis=0) - first
    normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    gaps = (second @ normals.T).min(axis=0) - (first * normals).sum(axis=1)
    return float(gaps.max())
