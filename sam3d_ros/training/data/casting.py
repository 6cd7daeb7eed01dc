"""Rays into an arranged scene: what each pixel meets, with colour, normal and gloss of the surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from .arranging import Placed, Scene, Slab
from .poses import Array, apply, dot, inverse

MISS = 0xFFFFFFFF
# Triangles of a box whose corner k has x, y, z by the bits of k.
BOX = np.array(
    [[0, 2, 1], [1, 2, 3], [4, 5, 6], [5, 7, 6], [0, 1, 4], [1, 5, 4]]
    + [[2, 6, 3], [3, 6, 7], [0, 4, 2], [2, 4, 6], [1, 3, 5], [3, 7, 5]],
    np.uint32,
)


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """What N rays meet; rays without a hit have owner -1, infinite depth, and are black."""

    depth: NDArray[np.float32]  # [N] metres along the optical axis
    owner: NDArray[np.int32]  # [N] number of the placed object, count of objects for the room, -1 nothing
    points: NDArray[np.float32]  # [N, 3] world
    normals: NDArray[np.float32]  # [N, 3] world, towards the camera
    albedo: NDArray[np.float32]  # [N, 3] linear
    specular: NDArray[np.float32]  # [N]
    shininess: NDArray[np.float32]  # [N]


class RayScene:
    """A scene made ready for rays; may be asked from any number of cameras."""

    def __init__(self, scene: Scene, extra: tuple[Placed, ...] = ()) -> None:
        self.scene = scene
        self.placed = (*scene.placed, *extra)
        self._rays = o3d.t.geometry.RaycastingScene(nthreads=1)
        for item in self.placed:
            points = apply(item.T_world_obj, item.object.mesh.vertices).astype(np.float32)
            self._add(points, item.object.mesh.triangles.astype(np.uint32))
        for slab in scene.slabs:
            corners = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)])
            self._add((slab.low + corners * (slab.high - slab.low)).astype(np.float32), BOX)

    def _add(self, vertices: NDArray[np.float32], triangles: NDArray[np.uint32]) -> None:
        self._rays.add_triangles(o3d.core.Tensor.from_numpy(vertices), o3d.core.Tensor.from_numpy(triangles))

    def cast(self, directions: NDArray[np.float32], T_world_cam: Array) -> Hits:
        """Hits of rays from the camera along (x/z, y/z, 1) [N, 3] in its optical frame."""
        world = directions @ T_world_cam[:3, :3].T.astype(np.float32)
        origin = T_world_cam[:3, 3].astype(np.float32)
        rays = np.concatenate([np.broadcast_to(origin, world.shape), world], axis=1)
        answer = self._rays.cast_rays(o3d.core.Tensor.from_numpy(np.ascontiguousarray(rays)), nthreads=1)
        depth, geometry = answer["t_hit"].numpy(), answer["geometry_ids"].numpy()
        points = origin + world * np.where(np.isfinite(depth), depth, 0)[:, None]
        hits = _blank(depth, points, geometry, len(self.placed))
        triangle, uv = answer["primitive_ids"].numpy(), answer["primitive_uvs"].numpy()
        for number, item in enumerate(self.placed):
            on = np.flatnonzero(geometry == number)
            if len(on):
                _on_object(hits, item, on, triangle[on], uv[on])
        self._on_room(hits, geometry, answer["primitive_normals"].numpy())
        away = dot(hits.normals, world) > 0
        hits.normals[away] *= -1
        return hits

    def blocked(self, origins: NDArray[np.float32], directions: NDArray[np.float32], reach: float) -> NDArray[np.bool_]:
        """Whether something lies within `reach` lengths of the directions [N, 3]."""
        rays = np.concatenate([origins, directions], axis=1).astype(np.float32)
        hidden: NDArray[np.bool_] = self._rays.test_occlusions(
            o3d.core.Tensor.from_numpy(rays), tnear=0.0, tfar=reach, nthreads=1
        ).numpy()
        return hidden

    def _on_room(self, hits: Hits, geometry: NDArray[np.uint32], normals: NDArray[np.float32]) -> None:
        for number, slab in enumerate(self.scene.slabs, start=len(self.placed)):
            on = np.flatnonzero(geometry == number)
            if len(on):
                hits.normals[on] = normals[on]
                hits.albedo[on] = _slab_color(slab, hits.points[on], normals[on])
                hits.specular[on], hits.shininess[on] = 0.06, 20.0


def _blank(depth: NDArray[np.float32], points: NDArray[np.float32], geometry: NDArray[np.uint32], objects: int) -> Hits:
    owner = np.where(geometry == MISS, -1, np.minimum(geometry, objects).astype(np.int64)).astype(np.int32)
    normals, albedo = np.zeros_like(points), np.zeros_like(points)
    return Hits(depth, owner, points, normals, albedo, np.zeros_like(depth), np.ones_like(depth))


def _on_object(
    hits: Hits, item: Placed, on: NDArray[np.int64], triangle: NDArray[np.uint32], uv: NDArray[np.float32]
) -> None:
    corners = item.object.corner_normals[triangle].astype(np.float32)
    first = 1 - uv[:, 0] - uv[:, 1]
    local = corners[:, 0] * first[:, None] + corners[:, 1] * uv[:, :1] + corners[:, 2] * uv[:, 1:]
    normals = local @ item.T_world_obj[:3, :3].T.astype(np.float32)
    hits.normals[on] = normals / np.maximum(np.sqrt(dot(normals, normals)), 1e-9)[:, None]
    p_obj = apply(inverse(item.T_world_obj), hits.points[on])
    srgb = item.object.colors.at(p_obj).astype(np.float32) / 255
    hits.albedo[on] = np.clip(srgb**2.2 * item.gain, 0, 1)
    hits.specular[on], hits.shininess[on] = item.object.finish.specular, item.object.finish.shininess


def _slab_color(slab: Slab, points: NDArray[np.float32], normals: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture of the slab, laid on each side along the two axes of that side."""
    axis = np.abs(normals).argmax(axis=1)
    u = np.where(axis == 0, points[:, 1], points[:, 0]).astype(float)
    v = np.where(axis == 2, points[:, 1], points[:, 2]).astype(float)
    return slab.backdrop.at(u, v)
