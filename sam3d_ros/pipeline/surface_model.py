"""A mesh made ready for registration: surface samples, the side that a camera sees, and its outline in an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import open3d as o3d
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..geometry import SE3, Mesh, PinholeCamera
from ..geometry.sampling import sample_surface, triangle_areas

Box = tuple[int, int, int, int]  # u_min, v_min, u_max, v_max; all four inside

_MIN_VISIBLE = 30  # fewer samples do not make a surface: hidden ones are then taken as well
_SAME_VIEW_COSINE = np.cos(np.deg2rad(4.0))
_SAME_VIEW_DISTANCE = 0.1  # relative
_SILHOUETTE_RAYS = 400
_OUTLINE_SAMPLES = 200


@dataclass(frozen=True, slots=True, eq=False)
class VisibleSide:
    """Samples of the surface that a camera at `p_obj_camera` sees; object frame, metres."""

    points: NDArray[np.float64]  # [N, 3]
    normals: NDArray[np.float64]  # [N, 3] unit, outwards
    tree: cKDTree
    centre: NDArray[np.float64]  # [3] median of the points
    p_obj_camera: NDArray[np.float64]  # [3]


class SurfaceModel:
    """Samples, size and ray caster of one mesh. Make it once for each mesh and keep it: it takes milliseconds.

    `spacing` is the usual distance between neighbouring samples, `radius` the RMS distance of the surface from the
    origin, `diameter` the longest side of the box around the mesh; metres.
    """

    def __init__(self, mesh: Mesh, *, samples: int = 1500, seed: int = 0) -> None:
        sampled = sample_surface(mesh, samples, seed)
        self.points, self.normals = sampled.points, sampled.normals
        self.spacing = float(np.sqrt(triangle_areas(mesh).sum() / samples))
        self.radius = max(float(np.sqrt((self.points**2).sum(axis=1).mean())), 1e-6)
        self.diameter = float(np.linalg.norm(mesh.extents))
        self.bound = float(np.linalg.norm(mesh.vertices, axis=1).max())
        self._scene = _ray_scene(mesh)
        self._side: VisibleSide | None = None

    def visible_side(self, T_cam_obj: SE3) -> VisibleSide:
        """What a camera at this pose sees; the last answer is used again while the view hardly changes."""
        p_obj_camera = -T_cam_obj.translation_xyz @ T_cam_obj.rotation
        if self._side is None or not _same_view(self._side.p_obj_camera, p_obj_camera):
            self._side = self._find_visible(p_obj_camera)
        return self._side

    def silhouette_iou(
        self, T_cam_obj: SE3, camera: PinholeCamera, labels: NDArray[np.generic], *, label: int, box: Box
    ) -> float:
        """Overlap, 0 to 1, of the projected mesh with the pixels that carry `label`, measured on a grid of rays.

        `labels` is a label image or a mask [H, W] (label 1), `box` encloses the pixels of the label. NaN where neither
        mesh nor mask is in the image.
        """
        grid = _grid(_union(box, self._projected_box(T_cam_obj, camera)), camera)
        if grid is None:
            return float("nan")
        u, v = grid
        in_mask = labels[v, u] == label
        on_mesh = self._hits(T_cam_obj, camera, u, v)
        union = int(np.count_nonzero(in_mask | on_mesh))
        return int(np.count_nonzero(in_mask & on_mesh)) / union if union else float("nan")

    def _find_visible(self, p_obj_camera: NDArray[np.float64]) -> VisibleSide:
        towards = self.points - p_obj_camera
        front = np.einsum("ij,ij->i", towards, self.normals) < 0
        chosen = front & self._unoccluded(p_obj_camera, towards)
        if np.count_nonzero(chosen) < _MIN_VISIBLE:
            chosen = front if np.count_nonzero(front) >= _MIN_VISIBLE else np.ones(len(front), bool)
        points = self.points[chosen]
        return VisibleSide(points, self.normals[chosen], cKDTree(points), np.median(points, axis=0), p_obj_camera)

    def _unoccluded(self, p_obj_camera: NDArray[np.float64], towards: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the ray from the camera reaches each sample before anything else."""
        origins = np.broadcast_to(p_obj_camera, towards.shape)
        hit = self._cast(np.concatenate([origins, towards], axis=1))
        slack = 0.01 * self.diameter / np.maximum(np.linalg.norm(towards, axis=1), 1e-9)
        visible: NDArray[np.bool_] = hit > 1.0 - slack
        return visible

    def _hits(
        self, T_cam_obj: SE3, camera: PinholeCamera, u: NDArray[np.int64], v: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        R = T_cam_obj.rotation
        rays = np.empty((len(u), 6), np.float32)
        rays[:, :3] = -T_cam_obj.translation_xyz @ R
        rays[:, 3:] = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(len(u))], axis=1) @ R
        return np.isfinite(self._cast(rays))

    def _cast(self, rays: NDArray[np.floating]) -> NDArray[np.float32]:
        """Distance along each ray [N, 6] in multiples of its direction; Inf where it hits nothing."""
        hit: NDArray[np.float32] = self._scene.cast_rays(o3d.core.Tensor(rays.astype(np.float32)))["t_hit"].numpy()
        return hit

    def _projected_box(self, T_cam_obj: SE3, camera: PinholeCamera) -> Box | None:
        pixels = camera.project(T_cam_obj.apply(self.points[:: max(1, len(self.points) // _OUTLINE_SAMPLES)]))
        pixels = pixels[np.isfinite(pixels[:, 0])]
        if not len(pixels):
            return None
        low, high = np.floor(pixels.min(axis=0)).astype(int), np.ceil(pixels.max(axis=0)).astype(int)
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _ray_scene(mesh: Mesh) -> o3d.t.geometry.RaycastingScene:
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(mesh.vertices), o3d.core.Tensor(mesh.triangles.astype(np.uint32)))
    return scene


def _same_view(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    length_a, length_b = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    turned = float(a @ b) < _SAME_VIEW_COSINE * length_a * length_b
    return not turned and abs(length_a - length_b) < _SAME_VIEW_DISTANCE * length_a


def _union(a: Box, b: Box | None) -> Box:
    if b is None:
        return a
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _grid(box: Box, camera: PinholeCamera) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Pixels u, v of a regular grid over the part of the box that lies in the image."""
    u_min, v_min = max(box[0], 0), max(box[1], 0)
    u_max, v_max = min(box[2], camera.width - 1), min(box[3], camera.height - 1)
    if u_max < u_min or v_max < v_min:
        return None
    step = max(1, round(float(np.sqrt((u_max - u_min + 1) * (v_max - v_min + 1) / _SILHOUETTE_RAYS))))
    u, v = np.meshgrid(np.arange(u_min, u_max + 1, step), np.arange(v_min, v_max + 1, step))
    return u.ravel(), v.ravel()
