"""Colour image and perfect geometry of a scene of textured meshes on a table, for the benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.render import RayHits, cast_rays
from sam3d_ros.geometry.sampling import triangle_normals
from sam3d_ros.geometry.textured_mesh import TexturedMesh, texels
from sam3d_ros.pipeline.finish import convex_hull
from sam3d_ros.replay.report.pictures.colours import linear_to_srgb, srgb_to_linear
from sam3d_ros.replay.report.pictures.occlusion import Occluders

FloatImage = NDArray[np.float32]

_TABLE = 1.2  # m, half its width
_FINE = 2  # rays across a pixel of the colour image


@dataclass(frozen=True, slots=True, eq=False)
class ScenePicture:
    """What the camera would see without flaws; index 0 is the table, k the k-th object, -1 nothing."""

    color: NDArray[np.uint8]  # [H, W, 3] sRGB
    depth: FloatImage  # [H, W] m, NaN = nothing
    index: NDArray[np.int32]  # [H, W]
    cosine: FloatImage  # [H, W] between normal and line of sight
    luminance: FloatImage  # [H, W] of the surface, linear 0-1


@dataclass(frozen=True, slots=True, eq=False)
class _Light:
    toward: NDArray[np.float32]  # [3] unit, camera frame
    key: NDArray[np.float32]  # [3] linear
    sky: NDArray[np.float32]  # [3] linear
    softness: float  # of the lamp, as a share of its distance


def take_scene_picture(
    objects: Sequence[TexturedMesh], poses: Sequence[SE3], T_cam_world: SE3, camera: PinholeCamera, rng: Generator
) -> ScenePicture:
    """Picture of objects at `T_cam_obj` on the table z = 0 of the world, under a lamp, with the noise of a camera."""
    table = _table()
    meshes = [table, *(item.mesh for item in objects)]
    all_poses = [T_cam_world, *poses]
    fine = camera.scaled_to(_FINE * camera.width, _FINE * camera.height)
    light = _lamp(T_cam_world, rng)
    tints = _table_colors(T_cam_world, rng)
    hits = cast_rays(meshes, all_poses, fine)
    albedo, normals = _materials(objects, meshes, all_poses, hits, fine, tints)
    lit = _lit(meshes, all_poses, hits, normals, light, fine, rng)
    image = np.zeros((fine.height, fine.width, 3), np.float32)
    image[hits.index >= 0] = albedo * lit
    plain = cast_rays(meshes, all_poses, camera)
    surface, facing = _materials(objects, meshes, all_poses, plain, camera, tints)
    rays = camera.rays() / np.linalg.norm(camera.rays(), axis=-1, keepdims=True)
    cosine, luminance = np.zeros((2, camera.height, camera.width), np.float32)
    seen = plain.index >= 0
    cosine[seen] = np.abs(np.einsum("nc,nc->n", facing, rays[seen]))
    luminance[seen] = surface @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return ScenePicture(_exposed(image, rng), plain.depth, plain.index, cosine, luminance)


def _table() -> Mesh:
    corners = np.array([[x, y, z] for x in (-_TABLE, _TABLE) for y in (-_TABLE, _TABLE) for z in (-0.03, 0.0)])
    vertices, triangles = convex_hull(corners)
    return Mesh(vertices.astype(np.float32), triangles.astype(np.int32), np.full((8, 3), 140, np.uint8))


def _lamp(T_cam_world: SE3, rng: Generator) -> _Light:
    turn, lift = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(35, 80))
    toward = np.array([np.cos(lift) * np.cos(turn), np.cos(lift) * np.sin(turn), np.sin(lift)])
    warmth = rng.uniform(-0.12, 0.12)
    key = rng.uniform(0.4, 0.9) * np.array([1 + warmth, 1.0, 1 - warmth])
    sky = rng.uniform(0.35, 0.7) * np.array([1 - warmth, 1.0, 1 + warmth])
    away = (T_cam_world.rotation @ toward).astype(np.float32)
    return _Light(away, key.astype(np.float32), sky.astype(np.float32), float(rng.uniform(0.03, 0.3)))


@dataclass(frozen=True, slots=True, eq=False)
class _TableColors:
    """A table of one colour, with grain, or with squares of two colours."""

    T_world_cam: SE3
    colors: NDArray[np.float64]  # [2, 3] linear
    kind: int
    width: float  # m, of squares or of grain
    grain: NDArray[np.float64]  # [64, 64] 0-1

    def at(self, p_cam: NDArray[np.floating]) -> NDArray[np.float64]:
        xy = self.T_world_cam.apply(p_cam)[:, :2] / self.width
        if self.kind == 0:
            share = np.zeros(len(xy))
        elif self.kind == 1:
            share = self.grain[np.floor(xy[:, 0]).astype(int) % 64, np.floor(xy[:, 1] / 12).astype(int) % 64]
        else:
            share = (np.floor(xy / 4).sum(axis=1) % 2).astype(float)
        mixed: NDArray[np.float64] = (1 - share[:, None]) * self.colors[0] + share[:, None] * self.colors[1]
        return mixed


def _table_colors(T_cam_world: SE3, rng: Generator) -> _TableColors:
    base = rng.uniform(0.05, 0.75) * rng.uniform(0.75, 1.0, 3)
    colors = np.stack([base, np.clip(base * rng.uniform(0.6, 1.4), 0, 1)])
    grain = ndimage.gaussian_filter(rng.random((64, 64)), 1.0, mode="wrap")
    grain = (grain - grain.min()) / np.ptp(grain)
    return _TableColors(T_cam_world.inverse(), colors, int(rng.integers(3)), float(rng.uniform(0.004, 0.015)), grain)


def _materials(
    objects: Sequence[TexturedMesh],
    meshes: Sequence[Mesh],
    poses: Sequence[SE3],
    hits: RayHits,
    camera: PinholeCamera,
    table: _TableColors,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Linear colour [N, 3] and unit normal in the camera frame [N, 3] of the hits, in image order."""
    seen = hits.index >= 0
    index, triangle, weights = hits.index[seen], hits.triangle[seen], hits.barycentric[seen]
    points = camera.rays()[seen] * hits.depth[seen][:, None]
    albedo, normals = np.zeros((2, len(index), 3), np.float32)
    for number, (mesh, T_cam_obj) in enumerate(zip(meshes, poses, strict=True)):
        at = index == number
        normals[at] = triangle_normals(mesh)[triangle[at]] @ T_cam_obj.rotation.T
        if number == 0:
            albedo[at] = table.at(points[at])
            continue
        item = objects[number - 1]
        uv = np.einsum("nk,nkc->nc", weights[at], item.uv[item.uv_triangles[triangle[at]]])
        albedo[at] = srgb_to_linear(texels(item.texture, uv))
    return albedo, normals


def _lit(
    meshes: Sequence[Mesh],
    poses: Sequence[SE3],
    hits: RayHits,
    normals: NDArray[np.float32],
    light: _Light,
    camera: PinholeCamera,
    rng: Generator,
) -> NDArray[np.float32]:
    """Light [N, 3] that falls on the hits: a lamp with shadows, and a sky from above."""
    seen = hits.index >= 0
    points = (camera.rays()[seen] * hits.depth[seen][:, None]).astype(np.float32)
    scene = Occluders((T.apply(m.vertices), m.triangles) for m, T in zip(meshes, poses, strict=True))
    facing = np.maximum(normals @ light.toward, 0)
    jitter = light.softness * rng.standard_normal(points.shape).astype(np.float32)
    open_ = np.zeros(len(points), np.float32)
    on = facing > 0
    open_[on] = ~scene.hide(points[on] + np.float32(1e-3) * normals[on], light.toward + jitter[on])
    up = np.float32(0.7) - np.float32(0.3) * normals[:, 1]  # the image's y points down
    fallen: NDArray[np.float32] = (facing * open_)[:, None] * light.key + up[:, None] * light.sky
    return fallen


def _exposed(image: NDArray[np.float32], rng: Generator) -> NDArray[np.uint8]:
    """sRGB [H, W, 3] of a fine linear image: lens blur, exposure by the brightest twentieth, noise."""
    height, width = image.shape[0] // _FINE, image.shape[1] // _FINE
    coarse = image.reshape(height, _FINE, width, _FINE, 3).mean(axis=(1, 3))
    coarse = ndimage.gaussian_filter(coarse, (rng.uniform(0.2, 0.8),) * 2 + (0,))
    coarse *= rng.uniform(0.7, 1.1) * 0.85 / max(float(np.quantile(coarse, 0.95)), 1e-3)
    noise = np.sqrt(0.004**2 + 0.0004 * np.maximum(coarse, 0)) * rng.standard_normal(coarse.shape)
    return linear_to_srgb(coarse + noise)
