"""How deep two convex solids lie in each other, and the shortest way out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Mesh
from ..geometry.sampling import triangle_normals
from .collision import whole_hull

Float64Array = NDArray[np.float64]

_SIDEWAYS = 32


@dataclass(frozen=True, slots=True, eq=False)
class Solid:
    """A convex solid in the world: corners [V, 3] in metres and the outward normals [T, 3] of its faces."""

    corners: Float64Array
    normals: Float64Array

    @staticmethod
    def of(mesh_world: Mesh) -> Solid:
        return Solid(mesh_world.vertices.astype(np.float64), triangle_normals(mesh_world))

    @staticmethod
    def hull_of(mesh_world: Mesh) -> Solid:
        """The convex hull of a mesh; of a flat one its own faces."""
        return Solid.of(whole_hull(mesh_world) or mesh_world)

    def moved(self, shift: Float64Array) -> Solid:
        return Solid(self.corners + shift, self.normals)


def way_out(fixed: Solid, moving: Solid) -> Float64Array | None:
    """The shortest shift [3] in metres, never downwards, that takes `moving` out of `fixed`; None where they are apart.

    By the separating-axis theorem, over the faces of both and a ring of horizontal axes. Axes from pairs of edges are
    left out, so where edges cross the way is a little longer than the shortest.
    """
    if not _boxes_meet(fixed.corners, moving.corners):
        return None
    axes = _upward(np.concatenate([fixed.normals, -moving.normals, _ring()]))
    depths = (fixed.corners @ axes.T).max(axis=0) - (moving.corners @ axes.T).min(axis=0)
    if _are_apart(fixed, moving):
        return None
    best = int(depths.argmin())
    way: Float64Array = depths[best] * axes[best]
    return way


def _are_apart(fixed: Solid, moving: Solid) -> bool:
    """Whether some axis, also a downward one, has all of one solid before all of the other."""
    axes = np.concatenate([fixed.normals, -moving.normals, _ring()])
    gaps = (moving.corners @ axes.T).min(axis=0) - (fixed.corners @ axes.T).max(axis=0)
    return bool((gaps >= -1e-9).any())


def _upward(axes: Float64Array) -> Float64Array:
    return axes[axes[:, 2] >= 0.0]


def _ring() -> Float64Array:
    """Up, and horizontal unit vectors, [N, 3]."""
    angles = 2 * np.pi * np.arange(_SIDEWAYS) / _SIDEWAYS
    ring = np.stack([np.cos(angles), np.sin(angles), np.zeros(_SIDEWAYS)], axis=1)
    return np.concatenate([[[0.0, 0.0, 1.0]], ring])


def _boxes_meet(a: Float64Array, b: Float64Array) -> bool:
    return bool(((a.min(axis=0) < b.max(axis=0)) & (b.min(axis=0) < a.max(axis=0))).all())
