"""Posed meshes seen by a camera: depth, index, colour and normal of each pixel, by ray casting with Open3D.

Through `open3d.t.geometry.RaycastingScene` (Embree). One ray goes through the centre of each pixel, and pixel centres
lie on whole numbers, as `PinholeCamera` says. Rays are (x/z, y/z, 1): the ray parameter is the optical depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from .camera import PinholeCamera
from .mesh import Mesh
from .sampling import triangle_normals, vertex_normals
from .transforms import SE3

Float64Array = NDArray[np.float64]
Shading = Literal["none", "headlight"]
Normals = Literal["flat", "smooth"]

_NEAR = 1e-3  # metres; nearer than this a projection says little
_AMBIENT = 0.35  # share of light that comes from everywhere


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """What the camera sees, [H, W]; pixels without a mesh have NaN depth and normal, index -1, background colour."""

    depth: NDArray[np.float32]  # [H, W] metres along the optical axis
    index: NDArray[np.int32]  # [H, W] which mesh
    color: NDArray[np.uint8]  # [H, W, 3] sRGB
    normal: NDArray[np.float32]  # [H, W, 3] unit, outward, optical frame


@dataclass(frozen=True, slots=True, eq=False)
class RayHits:
    """Where the rays of an image first meet a mesh."""

    depth: NDArray[np.float32]  # [H, W] metres along the optical axis, NaN where no mesh is met
    index: NDArray[np.int32]  # [H, W] which mesh, -1 = none
    triangle: NDArray[np.int32]  # [H, W] which triangle of it, -1 = none
    barycentric: NDArray[np.float32]  # [H, W, 3] weights of the triangle's corners


def cast_rays(meshes: Sequence[Mesh], poses: Sequence[SE3], camera: PinholeCamera) -> RayHits:
    """First hits of the pixel rays with meshes at their poses `T_cam_obj`; the quick way to depth and silhouettes."""
    posed = [T_cam_obj.apply(mesh.vertices).astype(np.float32) for mesh, T_cam_obj in zip(meshes, poses, strict=True)]
    scene, numbers = _scene(meshes, posed)
    window = _window(posed, camera)
    answer = scene.cast_rays(o3d.core.Tensor.from_numpy(np.ascontiguousarray(_pixel_rays(camera)[window])))
    found, hits = np.isfinite(answer["t_hit"].numpy()), _no_hits(camera)
    uv = answer["primitive_uvs"].numpy()[found]
    hits.depth[window][found] = answer["t_hit"].numpy()[found]
    hits.index[window][found] = numbers[answer["geometry_ids"].numpy()[found]]
    hits.triangle[window][found] = answer["primitive_ids"].numpy()[found]
    hits.barycentric[window][found] = np.concatenate([1 - uv.sum(axis=1, keepdims=True), uv], axis=1)
    return hits


def render(
    meshes: Sequence[Mesh],
    poses: Sequence[SE3],
    camera: PinholeCamera,
    *,
    shading: Shading = "none",
    normals: Normals = "flat",
    background: tuple[int, int, int] = (255, 255, 255),
) -> Rendering:
    """Picture of meshes at their poses `T_cam_obj`, with vertex colours interpolated over each triangle.

    `shading` "none" keeps the colours as they are; "headlight" adds a diffuse lamp at the camera, for people to look
    at. `normals` are those of the triangles, or interpolated between vertices.
    """
    hits = cast_rays(meshes, poses, camera)
    color = np.empty((camera.height, camera.width, 3), np.float64)
    color[:] = background
    normal = np.full((camera.height, camera.width, 3), np.nan, np.float32)
    for number, (mesh, T_cam_obj) in enumerate(zip(meshes, poses, strict=True)):
        seen = hits.index == number
        color[seen] = _interpolate(mesh.vertex_colors, mesh, hits, seen)
        normal[seen] = _normals(mesh, hits, seen, normals) @ T_cam_obj.rotation.T
    if shading == "headlight":
        _light_from_camera(color, normal, camera)
    return Rendering(hits.depth, hits.index, np.rint(color).astype(np.uint8), normal)


@lru_cache(maxsize=4)
def _pixel_rays(camera: PinholeCamera) -> NDArray[np.float32]:
    """Origin and direction of the ray of each pixel, [H, W, 6]."""
    rays = np.zeros((camera.height, camera.width, 6), np.float32)
    rays[..., 3:] = camera.rays()
    return rays


def _no_hits(camera: PinholeCamera) -> RayHits:
    size = (camera.height, camera.width)
    depth, barycentric = np.full(size, np.nan, np.float32), np.zeros((*size, 3), np.float32)
    return RayHits(depth, np.full(size, -1, np.int32), np.full(size, -1, np.int32), barycentric)


def _window(posed: Sequence[NDArray[np.float32]], camera: PinholeCamera) -> tuple[slice, slice]:
    """Rows and columns outside which no ray can meet a mesh; the whole image where one reaches behind the camera."""
    points = np.concatenate([*posed, np.zeros((0, 3), np.float32)])
    if not len(points):
        return slice(0, 0), slice(0, 0)
    if points[:, 2].min() < _NEAR:
        return slice(0, camera.height), slice(0, camera.width)
    pixels = camera.project(points)
    limits = (camera.width, camera.height)
    low = np.clip(np.floor(pixels.min(axis=0)), 0, limits).astype(int)
    high = np.clip(np.ceil(pixels.max(axis=0)) + 1, 0, limits).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _scene(meshes: Sequence[Mesh], posed: Sequence[NDArray[np.float32]]) -> tuple[Any, NDArray[np.int32]]:
    """Ray casting scene of vertices in the optical frame, and the mesh number of each of its geometry numbers."""
    scene = o3d.t.geometry.RaycastingScene()
    numbers: list[int] = []
    for number, (mesh, vertices) in enumerate(zip(meshes, posed, strict=True)):
        if len(mesh.triangles):
            triangles = mesh.triangles.astype(np.uint32)
            scene.add_triangles(o3d.core.Tensor.from_numpy(vertices), o3d.core.Tensor.from_numpy(triangles))
            numbers.append(number)
    return scene, np.array(numbers or [-1], np.int32)


def _interpolate(values: NDArray[Any], mesh: Mesh, hits: RayHits, seen: NDArray[np.bool_]) -> Float64Array:
    """Values of the vertices [V, C] at the seen hits, [N, C]."""
    corners = mesh.triangles[hits.triangle[seen]]
    mixed: Float64Array = np.einsum("nk,nkc->nc", hits.barycentric[seen], values[corners].astype(np.float64))
    return mixed


def _normals(mesh: Mesh, hits: RayHits, seen: NDArray[np.bool_], kind: Normals) -> Float64Array:
    """Unit normals in the object frame at the seen hits, [N, 3]."""
    if kind == "flat":
        flat: Float64Array = triangle_normals(mesh)[hits.triangle[seen]]
        return flat
    smooth = _interpolate(vertex_normals(mesh), mesh, hits, seen)
    smooth /= np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-12)
    return smooth


def _light_from_camera(color: Float64Array, normal: NDArray[np.float32], camera: PinholeCamera) -> None:
    """Darken the colours in place where the surface turns away from the camera (Lambert's cosine law)."""
    hit = np.isfinite(normal[..., 0])
    directions = camera.rays()[hit]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    cosine = np.abs(np.einsum("nc,nc->n", directions, normal[hit]))
    color[hit] *= (_AMBIENT + (1 - _AMBIENT) * cosine)[:, None]
