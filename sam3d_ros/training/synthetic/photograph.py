"""Pictures of a lit scene from any camera pose: perfect colour, depth and labels, before the sensor spoils them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import open3d as o3d
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from ...geometry import SE3, PinholeCamera
from .light import BakedLight, Lighting, bake
from .props import Prop
from .scene import Scene
from .surface import Array, vertex_normals

MISS = 0xFFFFFFFF  # Open3D's id of a ray without a hit
EXPOSURE = 1.25
SUBPIXELS = np.array([[-0.375, -0.125], [0.125, -0.375], [0.375, 0.125], [-0.125, 0.375]])  # rotated grid


@dataclass(frozen=True, slots=True, eq=False)
class Photograph:
    """What an ideal camera sees."""

    color: Array  # [H, W, 3] linear light, 0-1 and a little above
    depth: Array  # [H, W] metres along the optical axis; NaN where nothing is
    labels: NDArray[np.int32]  # [H, W] 0 = no object
    facing: Array  # [H, W] cosine between surface normal and direction to the camera
    gloss: Array  # [H, W] highlight, linear light
    darkness: Array  # [H, W] 1 - luminance of the surface colour


@dataclass(frozen=True, slots=True, eq=False)
class _Hits:
    """Ray hits, all arrays over rays."""

    distance: Array  # along a ray of which z in the camera is 1
    geometry: NDArray[np.uint32]
    triangle: NDArray[np.uint32]
    weights: Array  # [N, 3] barycentric


@dataclass(frozen=True, slots=True, eq=False)
class _Surface:
    """One mesh of the scene in the world frame, with its baked light."""

    prop: Prop
    T_world_obj: SE3
    label: int
    normals: Array  # [V, 3] world
    light: BakedLight


class Photographer:
    """Holds a scene with its light baked; `take` may be called for any number of poses."""

    def __init__(self, scene: Scene, lighting: Lighting | None = None) -> None:
        self._lighting = lighting or Lighting()
        self._rays = o3d.t.geometry.RaycastingScene()
        parts = [(prop, SE3.identity(), 0) for prop in scene.room]
        parts += [(placed.prop, placed.T_world_obj, placed.label) for placed in scene.objects]
        for prop, T_world_obj, _ in parts:
            points = T_world_obj.apply(prop.mesh.vertices).astype(np.float32)
            self._rays.add_triangles(
                o3d.core.Tensor.from_numpy(points), o3d.core.Tensor.from_numpy(prop.mesh.triangles.astype(np.uint32))
            )
        self._surfaces = [self._lit(*part) for part in parts]

    def take(self, camera: PinholeCamera, T_world_cam: SE3) -> Photograph:
        """The picture from a camera pose; pixels at borders of surfaces are averaged from four rays."""
        pixels = camera.rays()
        shape = pixels.shape[:2]
        hits = self._cast(pixels.reshape(-1, 3), T_world_cam)
        color, facing, gloss, darkness = self._shade(hits, pixels.reshape(-1, 3), T_world_cam)
        labels = self._labels(hits.geometry).reshape(shape)
        edges = np.flatnonzero(_borders(hits.geometry.reshape(shape).astype(np.int64)))
        color[edges] = self._smooth(pixels.reshape(-1, 3)[edges], camera, T_world_cam)
        depth = np.where(np.isfinite(hits.distance), hits.distance, np.nan).reshape(shape)
        planes = (plane.reshape(shape) for plane in (facing, gloss, darkness))
        return Photograph(color.reshape(*shape, 3), depth, labels, *planes)

    def _lit(self, prop: Prop, T_world_obj: SE3, label: int) -> _Surface:
        normals = vertex_normals(prop.mesh) @ T_world_obj.rotation.T
        light = bake(self._rays, T_world_obj.apply(prop.mesh.vertices), normals, self._lighting)
        return _Surface(prop, T_world_obj, label, normals, light)

    def _cast(self, directions: Array, T_world_cam: SE3) -> _Hits:
        world = directions @ T_world_cam.rotation.T
        rays = np.concatenate([np.broadcast_to(T_world_cam.translation_xyz, world.shape), world], axis=1)
        answer = self._rays.cast_rays(o3d.core.Tensor.from_numpy(rays.astype(np.float32)))
        uv = answer["primitive_uvs"].numpy().astype(float)
        weights = np.stack([1 - uv.sum(axis=1), uv[:, 0], uv[:, 1]], axis=1)
        distance = answer["t_hit"].numpy().astype(float)
        return _Hits(distance, answer["geometry_ids"].numpy(), answer["primitive_ids"].numpy(), weights)

    def _labels(self, geometry: NDArray[np.uint32]) -> NDArray[np.int32]:
        table = np.array([surface.label for surface in self._surfaces] + [0], np.int32)
        return table[np.where(geometry == MISS, len(self._surfaces), geometry)]

    def _smooth(self, directions: Array, camera: PinholeCamera, T_world_cam: SE3) -> Array:
        """Mean colour [N, 3] of four rays about each pixel centre."""
        total = np.zeros((len(directions), 3))
        for du, dv in SUBPIXELS:
            moved = directions + np.array([du / camera.fx, dv / camera.fy, 0.0])
            total += np.minimum(self._shade(self._cast(moved, T_world_cam), moved, T_world_cam)[0], 1.0)
        return total / len(SUBPIXELS)

    def _shade(self, hits: _Hits, directions: Array, T_world_cam: SE3) -> tuple[Array, Array, Array, Array]:
        """Colour [N, 3], facing [N], gloss [N] and darkness [N] of the hits."""
        count = len(directions)
        color, facing = np.zeros((count, 3)), np.ones(count)
        gloss, darkness = np.zeros(count), np.zeros(count)
        toward = -(directions @ T_world_cam.rotation.T)
        toward /= np.linalg.norm(toward, axis=1, keepdims=True)
        points = T_world_cam.apply(directions * np.where(np.isfinite(hits.distance), hits.distance, 0)[:, None])
        for index, surface in enumerate(self._surfaces):
            on = np.flatnonzero(hits.geometry == index)
            corners = surface.prop.mesh.triangles[hits.triangle[on]]
            view = _View(points[on], toward[on], corners, hits.weights[on])
            color[on], facing[on], gloss[on], darkness[on] = _reflect(surface, view, self._lighting)
        return color, facing, gloss, darkness


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """Hits on one surface: points and directions to the camera [N, 3] in the world, triangle corners and weights."""

    points: Array
    toward: Array
    corners: NDArray[np.int32]
    weights: Array

    def across(self, values: Array) -> Array:
        """Values per vertex [V, ...] at the hits."""
        mixed: Array = np.einsum("nk,nk...->n...", self.weights, values[self.corners])
        return mixed


def _reflect(surface: _Surface, view: _View, lighting: Lighting) -> tuple[Array, Array, Array, Array]:
    """Lambert for the body, Blinn-Phong for the highlight, and a little sky at grazing angles (Schlick)."""
    albedo = surface.prop.albedo(surface.T_world_obj.inverse().apply(view.points))
    linear = np.clip(albedo, 0, 1) ** 2.2
    normals = view.across(surface.normals)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    facing = np.clip((normals * view.toward).sum(axis=1), 0, 1)
    toward_light = np.asarray(lighting.centre) - view.points
    toward_light /= np.linalg.norm(toward_light, axis=1, keepdims=True)
    half = toward_light + view.toward
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    finish = surface.prop.finish
    shine = np.clip((normals * half).sum(axis=1), 0, 1) ** finish.shininess
    gloss = finish.specular * shine * view.across(surface.light.visible)
    rim = 0.25 * finish.specular * (1 - facing) ** 5
    key, sky = view.across(surface.light.key)[:, None], view.across(surface.light.sky)[:, None]
    body = linear * (key * lighting.key + sky * lighting.sky)
    color = EXPOSURE * (body + gloss[:, None] * lighting.key + rim[:, None] * sky * lighting.sky)
    return color, facing, gloss, 1 - albedo @ np.array([0.2126, 0.7152, 0.0722])


def _borders(ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Pixels with another surface beside them, [H, W]."""
    borders: NDArray[np.bool_] = maximum_filter(ids, 3) != minimum_filter(ids, 3)
    return borders
