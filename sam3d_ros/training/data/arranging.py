"""Who stands where: a target alone, or objects on a table or a shelf, by seed. World frame: z up, metres."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.random import Generator
from scipy.spatial.transform import Rotation

from .backdrops import Backdrop, draw_backdrop
from .objects import StoredObject
from .poses import Array, about_z, apply, inverse, pose
from .store import ObjectStore

TOUCH = -0.0015  # m, how deep two objects may lie in each other
TRIES = 25


class SceneKind(IntEnum):
    """What a scene trains."""

    ISOLATED = 0  # shape: one object, hardly any flaw of the sensor
    CLUTTER = 1  # occlusion and layout: neighbours, occluders in the air, objects swapped into places that are taken
    CAMERA = 2  # as a robot's camera sees it: neighbours on a table or a shelf, all flaws of the sensor


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """An object in the world."""

    object: StoredObject
    T_world_obj: Array  # [4, 4]
    gain: Array  # [3] factor on its linear colour, so that the same object comes in many tones


@dataclass(frozen=True, slots=True, eq=False)
class Slab:
    """A box of the room, along the axes, with a picture on all sides."""

    low: Array  # [3]
    high: Array  # [3]
    backdrop: Backdrop


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Objects, room, and where a camera may stand."""

    kind: SceneKind
    placed: tuple[Placed, ...]
    slabs: tuple[Slab, ...]
    elevations: tuple[float, float]  # degrees
    azimuths: tuple[float, float]  # degrees


def arrange(store: ObjectStore, ids: list[str], kind: SceneKind, rng: Generator) -> Scene:
    """A scene with objects out of `ids`."""
    if kind is SceneKind.ISOLATED:
        return _isolated(store, ids, rng)
    shelf = rng.random() < 0.25
    area = np.array([0.26, 0.13]) if shelf else rng.uniform(0.12, 0.32, 2)
    placed: list[Placed] = []
    for _ in range(rng.integers(2, 9)):
        found = _standing(store.get(_draw(ids, rng)), placed, area, rng)
        placed += [found] if found else []
    if kind is SceneKind.CLUTTER and rng.random() < 0.3:
        placed[0] = _swapped(store.get(_draw(ids, rng)), placed[0], rng)
    if shelf:
        top = max(float(_height(p)) for p in placed) + rng.uniform(0.03, 0.25)
        return Scene(kind, tuple(placed), _shelf(top, rng), (3.0, 35.0), (-125.0, -55.0))
    return Scene(kind, tuple(placed), _room(rng), (10.0, 80.0), (0.0, 360.0))


def hovering(thing: StoredObject, at: Array, rng: Generator) -> Placed:
    """The object in the air in any pose."""
    rotation = Rotation.random(random_state=int(rng.integers(1 << 30))).as_matrix()
    return Placed(thing, pose(rotation, at), _gain(rng))


def _isolated(store: ObjectStore, ids: list[str], rng: Generator) -> Scene:
    """Standing on a table, or in the air before a wall or nothing."""
    thing = store.get(_draw(ids, rng))
    if rng.random() < 0.7:
        standing = _standing(thing, [], np.array([0.05, 0.05]), rng)
        assert standing is not None, "nothing is in the way"
        return Scene(SceneKind.ISOLATED, (standing,), _room(rng), (10.0, 80.0), (0.0, 360.0))
    slabs = _room(rng)[1:] if rng.random() < 0.6 else ()
    return Scene(
        SceneKind.ISOLATED, (hovering(thing, np.array([0, 0, 0.25]), rng),), slabs, (-20.0, 70.0), (0.0, 360.0)
    )


def _draw(ids: list[str], rng: Generator) -> str:
    return ids[int(rng.integers(len(ids)))]


def _gain(rng: Generator) -> Array:
    return np.asarray(rng.uniform(0.65, 1.25) * (1 + rng.uniform(-0.08, 0.08, 3)))


def _standing(thing: StoredObject, others: list[Placed], area: Array, rng: Generator) -> Placed | None:
    """At rest on z = 0 where it goes through nothing; None after many tries."""
    rotations, probability = thing.resting
    chosen = rotations[rng.choice(len(rotations), p=probability.astype(float) / probability.astype(float).sum())]
    for _ in range(TRIES):
        rotation = about_z(rng.uniform(0, 2 * np.pi)) @ chosen.astype(float)
        floor = float((thing.mesh.vertices @ rotation.T)[:, 2].min())
        T_world_obj = pose(rotation, [*(rng.uniform(-1, 1, 2) * area), -floor])
        if not any(collides(thing, T_world_obj, other) for other in others):
            return Placed(thing, T_world_obj, _gain(rng))
    return None


def collides(thing: StoredObject, T_world_obj: Array, other: Placed) -> bool:
    """Whether surface points of one object lie inside the other."""
    T_other_obj = inverse(other.T_world_obj) @ T_world_obj
    reach = 0.5 * (np.linalg.norm(thing.record.extents) + np.linalg.norm(other.object.record.extents))
    if np.linalg.norm(T_other_obj[:3, 3]) > reach:
        return False
    return (
        _deepest(thing, T_other_obj, other.object) < TOUCH
        or _deepest(other.object, inverse(T_other_obj), thing) < TOUCH
    )


def _deepest(thing: StoredObject, T_other_obj: Array, other: StoredObject) -> float:
    """Least signed distance of some surface points of one object to the other."""
    grid = other.distances
    points = apply(T_other_obj, thing.surface[0][:600])
    index = np.rint((points - grid.low) / (grid.high - grid.low) * (np.array(grid.values.shape) - 1)).astype(int)
    inside = ((index >= 0) & (index < grid.values.shape[0])).all(axis=1)
    values = grid.values[tuple(index[inside].T)]
    return float(values.min()) / 127 * grid.truncation if len(values) else np.inf


def _swapped(thing: StoredObject, old: Placed, rng: Generator) -> Placed:
    """Another object in the place of one, whatever stands around it; at times in the air."""
    at = old.T_world_obj[:3, 3].copy()
    if rng.random() < 0.4:
        return hovering(thing, at + [0, 0, rng.uniform(0.0, 0.15)], rng)
    standing = _standing(thing, [], np.zeros(2), rng)
    assert standing is not None, "nothing is in the way"
    standing.T_world_obj[:2, 3] = at[:2]
    return standing


def _height(placed: Placed) -> float:
    return float(apply(placed.T_world_obj, placed.object.mesh.vertices)[:, 2].max())


def _room(rng: Generator) -> tuple[Slab, ...]:
    """A table top, the floor below it and some walls; at times boxes as landmarks."""
    half = rng.uniform(0.35, 1.2, 2)
    floor = -rng.uniform(0.4, 0.8)
    slabs = [
        Slab(np.array([*-half, -0.03]), np.array([*half, 0.0]), draw_backdrop(rng)),
        Slab(np.array([-4, -4, floor - 0.1]), np.array([4, 4, floor]), draw_backdrop(rng)),
    ]
    for axis, sign in ((0, 1), (0, -1), (1, 1), (1, -1)):
        if rng.random() < 0.7:
            slabs.append(_wall(axis, sign * rng.uniform(0.5, 2.5), floor, draw_backdrop(rng)))
    return tuple(slabs)


def _wall(axis: int, at: float, floor: float, backdrop: Backdrop) -> Slab:
    low, high = np.array([-4.0, -4.0, floor]), np.array([4.0, 4.0, 2.5])
    low[axis], high[axis] = (at, at + 0.1) if at > 0 else (at - 0.1, at)
    return Slab(low, high, backdrop)


def _shelf(top: float, rng: Generator) -> tuple[Slab, ...]:
    """Boards below and above, a back, at times sides; open towards -y."""
    wide, deep, board = rng.uniform(0.32, 0.6), 0.17, draw_backdrop(rng)
    slabs = [
        Slab(np.array([-wide, -deep, -0.022]), np.array([wide, deep, 0.0]), board),
        Slab(np.array([-wide, -deep, top]), np.array([wide, deep, top + 0.022]), board),
        Slab(np.array([-4, deep, -1.0]), np.array([4, deep + 0.02, 2.0]), draw_backdrop(rng)),
    ]
    if rng.random() < 0.6:
        slabs += [
            Slab(np.array([x, -deep, -0.4]), np.array([x + 0.02, deep, top + 0.4]), board) for x in (-wide - 0.02, wide)
        ]
    return tuple(slabs)
