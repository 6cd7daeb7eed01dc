"""Grasps planned on the visible points alone, without a mesh."""

from __future__ import annotations

import numpy as np
import open3d as o3d
from numpy.random import Generator
from numpy.typing import NDArray

from sam3d_ros.geometry.antipodal import (
    ApproachConfig,
    ContactPairs,
    across,
    approach_pairs,
    cone_margins,
)
from sam3d_ros.geometry.grasp_planning import Surroundings, plan_grasps
from sam3d_ros.geometry.gripper import Grasps, Gripper

Floats = NDArray[np.float64]

HAND = Gripper()
_MOST_PAIRS = 300
_CLOUD = 800  # visible points that are compared with each other
_CENTRES = 60  # visible points at which a hand is placed
_TURNS = 16  # closing directions of half a turn, at each: none more than 6 degrees from the edges of a box
_REACHES = (0.04, 0.03, 0.02, 0.01, 0.004)  # m, of the tips beyond the visible point
_EDGE = 0.003  # m, how thick the outermost visible points are that a finger is expected to touch
_LEAST_WIDTH = 0.003  # m; contacts nearer to each other are noise
_APPROACH = ApproachConfig()


def between_seen(points: Floats, around: Surroundings, seed: int) -> Grasps:
    """Antipodal grasps whose contacts both are visible points [N, 3] of the camera frame, best first.

    Normals are those of Open3D, turned to the camera; pairs and their cones as on a mesh.
    """
    cloud, normals = _oriented(points, seed)
    first, second = np.nonzero(_may_hold(cloud, normals))
    pairs = ContactPairs(
        np.stack([cloud[first], cloud[second]], axis=1), np.stack([normals[first], normals[second]], axis=1)
    )
    holds = np.flatnonzero(cone_margins(pairs.points, pairs.normals) >= 0)
    chosen = np.random.default_rng(seed).permutation(holds)[:_MOST_PAIRS]
    return _planned(ContactPairs(pairs.points[chosen], pairs.normals[chosen]), around)


def beside_seen(points: Floats, around: Surroundings, seed: int) -> Grasps:
    """Grasps with a finger on either side of the visible points [N, 3] of the camera frame, best first.

    After the candidates of ten Pas et al., Grasp pose detection in point clouds (IJRR 2017): a hand is placed at a
    visible point, coming along its normal or straight down, turned about its approach, and pushed on as far as nothing
    is in the way. Its contacts are the outermost visible points between the fingers. How far it would hold there is the
    mean of two guesses: by the normals of those points, and as if walls fell straight from them, across the axis.
    """
    cloud, normals = _oriented(points, seed)
    rng = np.random.default_rng(seed)
    frames, origins = _hands(cloud, normals, around.table.normal_xyz, rng)
    local = np.einsum("fji,mj->fim", frames, cloud) - np.einsum("fji,fj->fi", frames, origins)[..., None]
    parts = [_beside(frames, origins, local, (cloud, normals), reach) for reach in _REACHES]
    usable = np.concatenate([part[1] for part in parts])
    return plan_grasps(_joined([part[0] for part in parts]), len(_REACHES), HAND, around, usable=usable)


def _planned(pairs: ContactPairs, around: Surroundings) -> Grasps:
    return plan_grasps(approach_pairs(pairs, around.table.normal_xyz, _APPROACH), len(_APPROACH.reaches), HAND, around)


def _oriented(points: Floats, seed: int) -> tuple[Floats, Floats]:
    """Some of the points [M, 3] and their unit normals towards the camera, estimated from all points."""
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points))
    cloud.estimate_normals(o3d.geometry.KDTreeSearchParamHybrid(radius=0.01, max_nn=40))
    cloud.orient_normals_towards_camera_location(np.zeros(3))
    chosen = np.random.default_rng(seed).permutation(len(points))[:_CLOUD]
    return points[chosen], np.asarray(cloud.normals)[chosen]


def _may_hold(points: Floats, normals: Floats) -> NDArray[np.bool_]:
    """Pairs [M, M] within the gripper's width whose normals look away from each other; each pair once."""
    between = points[None] - points[:, None]
    width = np.linalg.norm(between, axis=2)
    outward = (np.einsum("abc,ac->ab", between, normals) < 0) & (np.einsum("abc,bc->ab", between, normals) > 0)
    near: NDArray[np.bool_] = (width > _LEAST_WIDTH) & (width <= HAND.max_width)
    return np.triu(near & outward, 1)


def _hands(cloud: Floats, normals: Floats, up: Floats, rng: Generator) -> tuple[Floats, Floats]:
    """Rotations [F, 3, 3] whose columns are closing axis, across and approach, and the points [F, 3] they stand at."""
    chosen = rng.permutation(len(cloud))[:_CENTRES]
    along_normal = -normals[chosen]
    from_above = along_normal[-along_normal @ up >= _APPROACH.min_descent]
    origins = np.concatenate([cloud[chosen][-along_normal @ up >= _APPROACH.min_descent], cloud[chosen]])
    approaches = np.concatenate([from_above, np.broadcast_to(-up, (len(chosen), 3))])
    u = across(approaches)
    v = np.cross(approaches, u)
    angles = np.arange(_TURNS)[:, None, None] * np.pi / _TURNS
    axes = (np.cos(angles) * u + np.sin(angles) * v).reshape(-1, 3)
    approaches = np.tile(approaches, (_TURNS, 1))
    return np.stack([axes, np.cross(approaches, axes), approaches], axis=2), np.tile(origins, (_TURNS, 1))


def _beside(
    frames: Floats, origins: Floats, local: Floats, cloud: tuple[Floats, Floats], reach: float
) -> tuple[Grasps, NDArray[np.bool_]]:
    """The hands [F] centred on what is seen between their fingers, and which of them have something there that fits."""
    x, y, z = local[:, 0], local[:, 1], local[:, 2]
    between = (np.abs(y) <= HAND.finger_breadth / 2) & (z <= reach) & (z >= reach - HAND.finger_length)
    low = np.where(between, x, np.inf).min(axis=1)
    high = np.where(between, x, -np.inf).max(axis=1)
    usable = (high - low <= HAND.max_width) & (high - low > _LEAST_WIDTH)
    low, high = (np.where(usable, end, 0.0) for end in (low, high))
    masks = [between & (x <= low[:, None] + _EDGE), between & (x >= high[:, None] - _EDGE)]
    contacts, normals = (np.stack([_mean(values, mask) for mask in masks], axis=1) for values in cloud)
    walls = np.stack([-frames[:, :, 0], frames[:, :, 0]], axis=1)
    margins = (np.clip(cone_margins(contacts, normals), -1, 1) + np.clip(cone_margins(contacts, walls), -1, 1)) / 2
    tips = origins + ((low + high) / 2)[:, None] * frames[:, :, 0] + reach * frames[:, :, 2]
    return Grasps(tips, frames[:, :, 0], frames[:, :, 2], contacts, margins), usable


def _mean(values: Floats, mask: NDArray[np.bool_]) -> Floats:
    """Mean [F, 3] of those of the values [M, 3] that a mask [F, M] names; zero where it names none."""
    means: Floats = mask @ values / np.maximum(mask.sum(axis=1, keepdims=True), 1)
    return means


def _joined(parts: list[Grasps]) -> Grasps:
    names = ("tips", "axes", "approaches", "contacts", "margins")
    return Grasps(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
