"""A mesh made ready for registration: surface samples, the side that a camera sees, and a ray caster."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from ..geometry import SE3, Mesh, PinholeCamera
from ..geometry.sampling import sample_surface, triangle_areas

THIN_SAMPLES = 384
_BLOCK = 1 << 16  # distances that are computed at a time
_MIN_VISIBLE = 30  # fewer samples do not make a surface: hidden ones are then taken as well
_SAME_VIEW_COSINE = math.cos(math.radians(4.0))
_SAME_VIEW_DISTANCE = 0.1  # relative
# The 26 neighbours of a cell, as directions in which a mesh is outermost.
_DIRECTIONS = np.array([d for d in np.ndindex(3, 3, 3) if d != (1, 1, 1)], np.float32) - 1


@dataclass(frozen=True, slots=True, eq=False)
class ThinSide:
    """Always `THIN_SAMPLES` of the visible samples, so that those of many objects make one array."""

    table: NDArray[np.float64]  # [K, 6] points and normals
    lookup: NDArray[np.float32]  # [4, K] see `lookup_of`
    spacing: float  # m, usual distance between neighbours


@dataclass(frozen=True, slots=True, eq=False)
class VisibleSide:
    """Samples of the surface that a camera at `p_obj_camera` sees; object frame, metres."""

    points: NDArray[np.float64]  # [N, 3]
    normals: NDArray[np.float64]  # [N, 3] unit, outwards
    centre: NDArray[np.float64]  # [3] median of the points
    p_obj_camera: NDArray[np.float64]  # [3]
    lookup: NDArray[np.float32]  # [4, N] see `lookup_of`
    thin: ThinSide

    def nearest(self, x: NDArray[np.float64]) -> NDArray[np.intp]:
        """Index [M] of the sample nearest to each of the points [M, 3].

        A product with the whole table takes half the time of a search tree for some hundred points. It is done in
        blocks that stay in the cache and below the size from which BLAS wakes threads, which costs more than it gains.
        """
        rows = max(1, _BLOCK // self.lookup.shape[1])
        return np.concatenate([nearest_columns(x[i : i + rows], self.lookup) for i in range(0, len(x), rows)])


def lookup_of(points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Table [4, N] that finds the nearest of the points [N, 3] with one matrix product.

    |x - p|^2 / 2 = x.x / 2 + (p.p / 2 - x.p), of which only the bracket differs from point to point: it is the product
    of (x, 1) and (-p, p.p / 2). Single precision errs by micrometres.
    """
    table = np.empty((4, len(points)), np.float32)
    table[:3] = -points.T
    table[3] = np.einsum("ij,ij->i", points, points) / 2
    return table


def nearest_columns(x: NDArray[np.float64], lookup: NDArray[np.float32]) -> NDArray[np.intp]:
    """Index [..., M] of the point nearest to each of x [..., M, 3] in a table [..., 4, N] of `lookup_of`."""
    extended = np.ones((*x.shape[:-1], 4), np.float32)
    extended[..., :3] = x
    index: NDArray[np.intp] = (extended @ lookup).argmin(axis=-1)
    return index


class SurfaceModel:
    """Samples, size and ray caster of one mesh. Make it once for each mesh and keep it: it takes milliseconds.

    `spacing` is the usual distance between neighbouring samples, `radius` the RMS distance of the surface from the
    origin, `diameter` the diagonal of the box around the mesh; metres. `corners` [26, 3] are its outermost vertices.
    """

    def __init__(self, mesh: Mesh, *, samples: int = 1500, seed: int = 0) -> None:
        sampled = sample_surface(mesh, samples, seed)
        self.points, self.normals = sampled.points, sampled.normals
        self.spacing = float(np.sqrt(triangle_areas(mesh).sum() / samples))
        self.radius = max(float(np.sqrt((self.points**2).sum(axis=1).mean())), 1e-6)
        self.diameter = float(np.linalg.norm(mesh.extents))
        self.corners = mesh.vertices[np.argmax(mesh.vertices @ _DIRECTIONS.T, axis=0)].astype(np.float64)
        self._scene = _ray_scene(mesh)
        self._side: VisibleSide | None = None

    def visible_side(self, T_cam_obj: SE3) -> VisibleSide:
        """What a camera at this pose sees; the last answer is used again while the view hardly changes."""
        p_obj_camera = -T_cam_obj.translation_xyz @ T_cam_obj.rotation
        if self._side is None or not _same_view(self._side.p_obj_camera, p_obj_camera):
            self._side = self._find_visible(p_obj_camera)
        return self._side

    def depth_along(
        self, T_cam_obj: SE3, camera: PinholeCamera, u: NDArray[np.int64], v: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Depth in metres [N] at which the rays of pixels u, v meet the mesh; Inf where they miss it."""
        R = T_cam_obj.rotation
        directions = np.ones((len(u), 3))
        directions[:, 0] = (u - camera.cx) / camera.fx
        directions[:, 1] = (v - camera.cy) / camera.fy
        rays = np.empty((len(u), 6), np.float32)
        rays[:, :3] = -T_cam_obj.translation_xyz @ R
        rays[:, 3:] = directions @ R
        return self._cast(rays)

    def _find_visible(self, p_obj_camera: NDArray[np.float64]) -> VisibleSide:
        towards = self.points - p_obj_camera
        front = np.einsum("ij,ij->i", towards, self.normals) < 0
        chosen = front & self._unoccluded(p_obj_camera, towards)
        if np.count_nonzero(chosen) < _MIN_VISIBLE:
            chosen = front if np.count_nonzero(front) >= _MIN_VISIBLE else np.ones(len(front), bool)
        points, normals = self.points[chosen], self.normals[chosen]
        thin = self._thinned(points, normals)
        return VisibleSide(points, normals, np.median(points, axis=0), p_obj_camera, lookup_of(points), thin)

    def _thinned(self, points: NDArray[np.float64], normals: NDArray[np.float64]) -> ThinSide:
        chosen = np.arange(THIN_SAMPLES) * len(points) // THIN_SAMPLES
        table = np.concatenate([points[chosen], normals[chosen]], axis=1)
        spacing = self.spacing * max(1.0, len(points) / THIN_SAMPLES) ** 0.5
        return ThinSide(table, lookup_of(points[chosen]), spacing)

    def _unoccluded(self, p_obj_camera: NDArray[np.float64], towards: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the ray from the camera reaches each sample before anything else."""
        origins = np.broadcast_to(p_obj_camera, towards.shape)
        hit = self._cast(np.concatenate([origins, towards], axis=1))
        slack = 0.01 * self.diameter / np.maximum(np.linalg.norm(towards, axis=1), 1e-9)
        visible: NDArray[np.bool_] = hit > 1.0 - slack
        return visible

    def _cast(self, rays: NDArray[np.floating]) -> NDArray[np.float32]:
        """Distance along each ray [N, 6] in multiples of its direction; Inf where it hits nothing."""
        tensor = o3d.core.Tensor.from_numpy(np.ascontiguousarray(rays, np.float32))
        hit: NDArray[np.float32] = self._scene.cast_rays(tensor)["t_hit"].numpy()
        return hit


def _ray_scene(mesh: Mesh) -> o3d.t.geometry.RaycastingScene:
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(
        o3d.core.Tensor.from_numpy(mesh.vertices), o3d.core.Tensor.from_numpy(mesh.triangles.astype(np.uint32))
    )
    return scene


def _same_view(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    length_a, length_b = math.sqrt(a @ a), math.sqrt(b @ b)
    turned = float(a @ b) < _SAME_VIEW_COSINE * length_a * length_b
    return not turned and abs(length_a - length_b) < _SAME_VIEW_DISTANCE * length_a
