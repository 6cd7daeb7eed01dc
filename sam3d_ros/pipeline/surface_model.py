"""A mesh made ready for registration: surface samples, the side that a camera sees, and a ray caster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from ..geometry import SE3, Mesh, PinholeCamera
from ..geometry.sampling import sample_surface, triangle_areas

_MIN_VISIBLE = 30  # fewer samples do not make a surface: hidden ones are then taken as well
_SAME_VIEW_COSINE = np.cos(np.deg2rad(4.0))
_SAME_VIEW_DISTANCE = 0.1  # relative
# The 26 neighbours of a cell, as directions in which a mesh is outermost.
_DIRECTIONS = np.array([d for d in np.ndindex(3, 3, 3) if d != (1, 1, 1)], np.float32) - 1


@dataclass(frozen=True, slots=True, eq=False)
class VisibleSide:
    """Samples of the surface that a camera at `p_obj_camera` sees; object frame, metres."""

    points: NDArray[np.float64]  # [N, 3]
    normals: NDArray[np.float64]  # [N, 3] unit, outwards
    centre: NDArray[np.float64]  # [3] median of the points
    p_obj_camera: NDArray[np.float64]  # [3]
    points32: NDArray[np.float32]  # [3, N] the points, ready for `nearest`
    half_squares: NDArray[np.float32]  # [N] half of their squared lengths

    def nearest(self, x: NDArray[np.float64]) -> NDArray[np.intp]:
        """Index [M] of the sample nearest to each of the points [M, 3].

        |x - p|^2 / 2 = x.x / 2 + p.p / 2 - x.p, of which the first term does not matter: one matrix product, which for
        some hundred points takes half the time of a search tree. Single precision errs by micrometres.
        """
        index: NDArray[np.intp] = (self.half_squares - x.astype(np.float32) @ self.points32).argmin(axis=1)
        return index


class SurfaceModel:
    """Samples, size and ray caster of one mesh. Make it once for each mesh and keep it: it takes milliseconds.

    `spacing` is the usual distance between neighbouring samples, `radius` the RMS distance of the surface from the
    origin, `diameter` the diagonal of the box around the mesh; metres. `corners` [N, 3] are its outermost vertices.
    """

    def __init__(self, mesh: Mesh, *, samples: int = 1500, seed: int = 0) -> None:
        sampled = sample_surface(mesh, samples, seed)
        self.points, self.normals = sampled.points, sampled.normals
        self.spacing = float(np.sqrt(triangle_areas(mesh).sum() / samples))
        self.radius = max(float(np.sqrt((self.points**2).sum(axis=1).mean())), 1e-6)
        self.diameter = float(np.linalg.norm(mesh.extents))
        self.corners = mesh.vertices[np.unique(np.argmax(mesh.vertices @ _DIRECTIONS.T, axis=0))]
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
        rays = np.empty((len(u), 6), np.float32)
        rays[:, :3] = -T_cam_obj.translation_xyz @ R
        rays[:, 3:] = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(len(u))], axis=1) @ R
        return self._cast(rays)

    def _find_visible(self, p_obj_camera: NDArray[np.float64]) -> VisibleSide:
        towards = self.points - p_obj_camera
        front = np.einsum("ij,ij->i", towards, self.normals) < 0
        chosen = front & self._unoccluded(p_obj_camera, towards)
        if np.count_nonzero(chosen) < _MIN_VISIBLE:
            chosen = front if np.count_nonzero(front) >= _MIN_VISIBLE else np.ones(len(front), bool)
        points = self.points[chosen]
        points32 = np.ascontiguousarray(points.T, np.float32)
        half_squares = (points32**2).sum(axis=0) / 2
        centre = np.median(points, axis=0)
        return VisibleSide(points, self.normals[chosen], centre, p_obj_camera, points32, half_squares)

    def _unoccluded(self, p_obj_camera: NDArray[np.float64], towards: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the ray from the camera reaches each sample before anything else."""
        origins = np.broadcast_to(p_obj_camera, towards.shape)
        hit = self._cast(np.concatenate([origins, towards], axis=1))
        slack = 0.01 * self.diameter / np.maximum(np.linalg.norm(towards, axis=1), 1e-9)
        visible: NDArray[np.bool_] = hit > 1.0 - slack
        return visible

    def _cast(self, rays: NDArray[np.floating]) -> NDArray[np.float32]:
        """Distance along each ray [N, 6] in multiples of its direction; Inf where it hits nothing."""
        hit: NDArray[np.float32] = self._scene.cast_rays(o3d.core.Tensor.from_numpy(rays.astype(np.float32)))[
            "t_hit"
        ].numpy()
        return hit


def _ray_scene(mesh: Mesh) -> o3d.t.geometry.RaycastingScene:
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(
        o3d.core.Tensor.from_numpy(mesh.vertices), o3d.core.Tensor.from_numpy(mesh.triangles.astype(np.uint32))
    )
    return scene


def _same_view(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    length_a, length_b = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    turned = float(a @ b) < _SAME_VIEW_COSINE * length_a * length_b
    return not turned and abs(length_a - length_b) < _SAME_VIEW_DISTANCE * length_a
