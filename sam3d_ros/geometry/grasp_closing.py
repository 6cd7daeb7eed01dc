"""The jaws of a gripper closed on a mesh: where their pads first touch, and whether they hold there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from .antipodal import FRICTION, cone_margins
from .gripper import Grasps, Gripper
from .mesh import Mesh
from .sampling import triangle_normals

Float64Array = NDArray[np.float64]

_ACROSS, _ALONG = 5, 5  # rays of a pad
_GIVE = 0.002  # m, by which a rubber pad yields: what it meets within that of its first contact, it touches


@dataclass(frozen=True, slots=True, eq=False)
class Closing:
    """Contacts of both pads with a mesh, in its frame; NaN where a pad meets nothing."""

    points: Float64Array  # [N, 2, 3] m, the middle of what a pad touches
    normals: Float64Array  # [N, 2, 3] unit, outward, the mean of what it touches
    embedded: NDArray[np.bool_]  # [N] whether the middle of an open pad lies inside the mesh: it is too wide here

    @property
    def touches(self) -> NDArray[np.bool_]:
        """Whether both pads meet the mesh, [N]."""
        touches: NDArray[np.bool_] = np.isfinite(self.points.sum(axis=(1, 2)))
        return touches

    def margins(self, friction: float = FRICTION) -> Float64Array:
        """How far both contacts are inside their friction cones, [N], see `cone_margins`; -inf where a pad misses."""
        margins = cone_margins(np.nan_to_num(self.points), np.nan_to_num(self.normals), friction)
        return np.where(self.touches, margins, -np.inf)

    def holds(self, friction: float = FRICTION) -> NDArray[np.bool_]:
        """Whether the line between the contacts lies in both friction cones, [N] (Nguyen 1988)."""
        holds: NDArray[np.bool_] = self.margins(friction) >= 0
        return holds


def close_jaws(grasps: Grasps, gripper: Gripper, mesh: Mesh) -> Closing:
    """Close fully opened jaws along their axis on a closed mesh; both stop at their own first contact.

    The mesh does not move. A pad is a grid of rays from its open place inwards.
    """
    scene = o3d.t.geometry.RaycastingScene()
    triangles = mesh.triangles.astype(np.uint32)
    scene.add_triangles(o3d.core.Tensor.from_numpy(mesh.vertices), o3d.core.Tensor.from_numpy(triangles))
    normals = triangle_normals(mesh)
    sides = [_close_one(scene, normals, grasps, gripper, sign) for sign in (-1, 1)]
    middles = np.stack([_pads(grasps, gripper, sign).mean(axis=1) for sign in (-1, 1)], axis=1).astype(np.float32)
    inside = scene.compute_occupancy(o3d.core.Tensor.from_numpy(middles), nsamples=3).numpy() > 0.5
    points, directions = (np.stack([side[k] for side in sides], axis=1) for k in (0, 1))
    return Closing(points, directions, inside.any(axis=1))


def _close_one(
    scene: o3d.t.geometry.RaycastingScene, normals: Float64Array, grasps: Grasps, gripper: Gripper, sign: int
) -> tuple[Float64Array, Float64Array]:
    """Contact point and normal [N, 3] of the pad on the negative or positive side of the axis."""
    origins = _pads(grasps, gripper, sign)
    inward = np.broadcast_to(-sign * grasps.axes[:, None], origins.shape)
    rays = np.concatenate([origins, inward], axis=2).astype(np.float32)
    answer = scene.cast_rays(o3d.core.Tensor.from_numpy(rays))
    lengths = answer["t_hit"].numpy().astype(np.float64)
    lengths[lengths > gripper.max_width] = np.inf
    hits = np.isfinite(lengths)
    touched = hits & (lengths <= lengths.min(axis=1, keepdims=True) + _GIVE)
    met = normals[np.where(hits, answer["primitive_ids"].numpy(), 0).astype(np.intp)]
    places = origins + np.where(hits, lengths, 0)[..., None] * inward
    normal = _mean(met, touched)
    return _mean(places, touched), normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _pads(grasps: Grasps, gripper: Gripper, sign: int) -> Float64Array:
    """Where the rays of an open pad start, [N, rays, 3]."""
    side = np.linspace(-0.5, 0.5, _ACROSS) * gripper.finger_breadth
    back = -np.linspace(0.02, 1.0, _ALONG) * gripper.pad_length
    y, z = (grid.reshape(-1) for grid in np.meshgrid(side, back))
    local = np.stack([np.full(len(y), sign * gripper.max_width / 2), y, z], axis=1)
    starts: Float64Array = grasps.tips[:, None] + np.einsum("nij,rj->nri", grasps.rotations, local)
    return starts


def _mean(values: Float64Array, chosen: NDArray[np.bool_]) -> Float64Array:
    """Mean [N, 3] of the chosen [N, R] values [N, R, 3]; NaN where none is chosen."""
    counts = chosen.sum(axis=1)[:, None].astype(np.float64)
    sums = np.einsum("nrc,nr->nc", values, chosen)
    means: Float64Array = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    return means
