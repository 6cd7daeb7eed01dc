"""Antipodal contact pairs on a mesh, and the ways in which a parallel-jaw gripper can come to them.

Two frictional point contacts hold an object when the line between them lies in both friction cones (Nguyen,
Constructing force-closure grasps, IJRR 1988). Pairs are found as for Dex-Net 2.0 (Mahler et al., RSS 2017): a point of
the surface, a direction inside its cone, and the place where that line leaves the object.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import open3d as o3d
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from .gripper import Grasps
from .mesh import Mesh
from .sampling import sample_surface, triangle_normals

Float64Array = NDArray[np.float64]

FRICTION = 0.45  # rubber pads on packaging and plastic, on the careful side
_SKIN = 1e-5  # m, by which rays start below the surface that they leave


@dataclass(frozen=True, slots=True, eq=False)
class ContactPairs:
    """Pairs of surface points and their outward unit normals, in the frame of the surface."""

    points: Float64Array  # [N, 2, 3] m
    normals: Float64Array  # [N, 2, 3]

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, slots=True)
class ApproachConfig:
    """From where the hand may come to a contact pair."""

    turns: int = 12  # directions around the closing axis
    min_descent: float = 0.2  # cosine between approach and straight down, at least
    reaches: tuple[float, ...] = (0.02, 0.01, 0.004)  # m, from the contact line on to the tips; the first is preferred


def cone_margins(points: Float64Array, normals: Float64Array, friction: float = FRICTION) -> Float64Array:
    """How far pairs [N, 2, 3] with outward normals [N, 2, 3] are inside both friction cones, [N].

    1 where the line between the points runs along both normals, 0 where it lies on the rim of the narrower of both,
    negative where the pair does not hold (Nguyen 1988), nor do points that coincide.
    """
    lines = _unit(points[:, 1] - points[:, 0])
    cosines = np.stack([-(lines * normals[:, 0]).sum(axis=1), (lines * normals[:, 1]).sum(axis=1)])
    angles = np.arccos(np.clip(cosines, -1, 1)).max(axis=0)
    margins: Float64Array = 1 - angles / np.arctan(friction)
    return margins


def sample_contact_pairs(
    mesh: Mesh, count: int, *, max_width: float, friction: float = FRICTION, seed: int = 0
) -> ContactPairs:
    """Antipodal pairs at most `max_width` metres apart, from `count` surface points; the same seed gives the same.

    Empty where the mesh has no such pair. Raises ValueError for a mesh without area.
    """
    samples = sample_surface(mesh, count, seed)
    rng = np.random.default_rng([seed, 1])
    inward = _in_cones(-samples.normals, float(np.arctan(friction)), rng)
    lengths, triangles = _first_hits(mesh, samples.points + _SKIN * inward, inward)
    found = np.flatnonzero(lengths + _SKIN <= max_width)  # rays that meet nothing have an infinite length
    ends = samples.points[found] + (lengths[found, None] + _SKIN) * inward[found]
    points = np.stack([samples.points[found], ends], axis=1)
    normals = np.stack([samples.normals[found], triangle_normals(mesh)[triangles[found]]], axis=1)
    holds = cone_margins(points, normals, friction) >= 0
    return ContactPairs(points[holds], normals[holds])


def approach_pairs(
    pairs: ContactPairs, up: ArrayLike, config: ApproachConfig | None = None, *, friction: float = FRICTION
) -> Grasps:
    """Grasps of contact pairs from above, for an `up` [3] in the frame of the pairs.

    [len(reaches), D] flattened, where D counts pairs and directions: the same D with every reach of the fingers.
    """
    config = config or ApproachConfig()
    axes = _unit(pairs.points[:, 1] - pairs.points[:, 0])
    down = -_unit(np.asarray(up, np.float64)[None])[0]
    approaches = _around(axes, down, config.turns)  # [N, turns, 3]
    which, turn = np.nonzero(approaches @ down >= config.min_descent)
    contacts, chosen = pairs.points[which], approaches[which, turn]
    margins = cone_margins(pairs.points, pairs.normals, friction)[which]
    middles = contacts.mean(axis=1)
    tips = np.concatenate([middles + reach * chosen for reach in config.reaches])
    times = len(config.reaches)
    repeated = (np.concatenate([part] * times) for part in (axes[which], chosen, contacts, margins))
    return Grasps(tips, *repeated)


def _first_hits(mesh: Mesh, origins: Float64Array, directions: Float64Array) -> tuple[Float64Array, NDArray[np.intp]]:
    """Length of each ray [N] to the mesh, infinite where it meets none, and which triangle it meets."""
    scene = o3d.t.geometry.RaycastingScene()
    triangles = mesh.triangles.astype(np.uint32)
    scene.add_triangles(o3d.core.Tensor.from_numpy(mesh.vertices), o3d.core.Tensor.from_numpy(triangles))
    rays = np.concatenate([origins, directions], axis=1).astype(np.float32)
    answer = scene.cast_rays(o3d.core.Tensor.from_numpy(rays))
    return answer["t_hit"].numpy().astype(np.float64), answer["primitive_ids"].numpy().astype(np.intp)


def _in_cones(middles: Float64Array, half_angle: float, rng: Generator) -> Float64Array:
    """One unit vector [N, 3] from the cone around each unit vector, densest around the middle."""
    angle = half_angle * rng.random(len(middles))
    turn = rng.uniform(0, 2 * np.pi, len(middles))
    cosine, sine = np.cos(angle), np.sin(angle)
    u = across(middles)
    v = np.cross(middles, u)
    drawn: Float64Array = (
        cosine[:, None] * middles + (sine * np.cos(turn))[:, None] * u + (sine * np.sin(turn))[:, None] * v
    )
    return drawn


def _around(axes: Float64Array, down: Float64Array, turns: int) -> Float64Array:
    """Unit vectors [N, turns, 3] at right angles to each axis, the first as far down as can be."""
    lowest = down - (axes @ down)[:, None] * axes
    upright = np.linalg.norm(lowest, axis=1) < 1e-6
    first = _unit(np.where(upright[:, None], across(axes), lowest))
    second = np.cross(axes, first)
    angles = np.arange(turns) * 2 * np.pi / turns
    around: Float64Array = np.cos(angles)[:, None] * first[:, None, :] + np.sin(angles)[:, None] * second[:, None, :]
    return around


def across(axes: Float64Array) -> Float64Array:
    """A unit vector at right angles to each unit vector [N, 3]."""
    least = np.eye(3)[np.abs(axes).argmin(axis=1)]
    return _unit(np.cross(axes, least))


def _unit(vectors: Float64Array) -> Float64Array:
    """Vectors [N, 3] at unit length; zero where one has no length."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Float64Array = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return unit
