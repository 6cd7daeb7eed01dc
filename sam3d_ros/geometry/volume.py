"""Questions to closed meshes that need rays: what is inside, and what the camera cannot see."""

from __future__ import annotations

from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import ArrayLike, NDArray

from .mesh import Mesh
from .transforms import SE3

_RAYS_PER_POINT = 3  # odd; the majority decides, so that one ray along an edge does no harm


def occupancy(mesh: Mesh, points: ArrayLike) -> NDArray[np.bool_]:
    """Which of the points [..., 3] lie inside the closed mesh, [...]; by the parity of ray crossings."""
    queries = np.ascontiguousarray(points, np.float32)
    if not len(mesh.triangles):
        return np.zeros(queries.shape[:-1], np.bool_)
    answer = _scene(mesh).compute_occupancy(o3d.core.Tensor.from_numpy(queries), nsamples=_RAYS_PER_POINT)
    inside: NDArray[np.bool_] = answer.numpy() > 0.5
    return inside


def volumetric_iou(mesh_a: Mesh, mesh_b: Mesh, resolution: int = 64) -> float:
    """Shared volume over joint volume, 0-1, of two closed meshes in the same frame.

    Counted at the centres of a common grid of cubes, `resolution` of them along the longest edge of the joint box. NaN
    where neither has volume at this resolution.
    """
    centres = _grid(mesh_a, mesh_b, resolution)
    inside_a, inside_b = occupancy(mesh_a, centres), occupancy(mesh_b, centres)
    joint = int((inside_a | inside_b).sum())
    return float((inside_a & inside_b).sum() / joint) if joint else float("nan")


def hidden_from_camera(mesh: Mesh, points: ArrayLike, T_cam_obj: SE3, *, tolerance: float = 1e-3) -> NDArray[np.bool_]:
    """Which surface points [N, 3] (object frame) the mesh itself hides from the camera, [N].

    A point is hidden where the ray from the camera centre meets the mesh more than `tolerance` metres before it.
    """
    targets = np.asarray(points, np.float64)
    centre = T_cam_obj.inverse().translation_xyz
    directions = targets - centre
    distances = np.linalg.norm(directions, axis=1)
    rays = np.concatenate([np.broadcast_to(centre, targets.shape), directions / distances[:, None]], axis=1)
    met = _scene(mesh).cast_rays(o3d.core.Tensor.from_numpy(rays.astype(np.float32)))["t_hit"].numpy()
    hidden: NDArray[np.bool_] = met < distances - tolerance
    return hidden


def _scene(mesh: Mesh) -> Any:
    scene = o3d.t.geometry.RaycastingScene()
    triangles = o3d.core.Tensor.from_numpy(mesh.triangles.astype(np.uint32))
    scene.add_triangles(o3d.core.Tensor.from_numpy(mesh.vertices), triangles)
    return scene


def _grid(mesh_a: Mesh, mesh_b: Mesh, resolution: int) -> NDArray[np.float32]:
    """Centres [X, Y, Z, 3] of cubes that fill the joint box."""
    vertices = np.concatenate([mesh_a.vertices, mesh_b.vertices])
    if not len(vertices):
        raise ValueError("two meshes without vertices have no volumes to compare")
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    step = max(float((high - low).max()) / resolution, 1e-9)
    axes = [low[i] + step * (0.5 + np.arange(max(1, int(np.ceil((high[i] - low[i]) / step))))) for i in range(3)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).astype(np.float32)
