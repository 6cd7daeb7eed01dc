"""The vertex colours of a surface as a colour field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from ...geometry import Mesh
from ...geometry.sampling import triangle_normals
from .bake import ColourField

FloatArray = NDArray[np.float32]

_REACH = 0.05  # of the longest edge of the box: farther along the normal is another part of the object


def surface_colours(surface: Mesh) -> ColourField:
    """Colours of the nearest place of the surface that faces the same way, interpolated over its triangle.

    Where the nearest place is the other side of a thin wall, the place is looked for along the normal instead, out- and
    inwards; where none there faces the same way either, the nearest one counts. Raises ValueError for a surface
    without triangles.
    """
    if not len(surface.triangles):
        raise ValueError("a surface without triangles has no colours")
    finder = _Finder.of(surface)

    def colours(points: FloatArray, normals: FloatArray) -> NDArray[np.uint8]:
        triangle, weights = finder.find(points, normals)
        corners = surface.vertex_colors[surface.triangles[triangle]].astype(np.float32)
        mixed: FloatArray = np.einsum("nk,nkc->nc", weights, corners)
        return np.rint(mixed).clip(0, 255).astype(np.uint8)

    return colours


@dataclass(frozen=True, slots=True, eq=False)
class _Finder:
    scene: Any
    facing: FloatArray  # [T, 3] unit normals of the triangles
    reach: float  # metres

    @staticmethod
    def of(surface: Mesh) -> _Finder:
        scene = o3d.t.geometry.RaycastingScene()
        triangles = surface.triangles.astype(np.uint32)
        scene.add_triangles(o3d.core.Tensor.from_numpy(surface.vertices), o3d.core.Tensor.from_numpy(triangles))
        reach = _REACH * float(surface.extents.max())
        return _Finder(scene, triangle_normals(surface).astype(np.float32), reach)

    def find(self, points: FloatArray, normals: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
        """Triangle [N] and weights of its corners [N, 3] of the place that belongs to each point."""
        nearest = self.scene.compute_closest_points(o3d.core.Tensor.from_numpy(np.ascontiguousarray(points)))
        triangle = nearest["primitive_ids"].numpy().astype(np.int64)
        uv = nearest["primitive_uvs"].numpy().copy()
        turned_away = np.flatnonzero(np.einsum("nc,nc->n", self.facing[triangle], normals) < 0)
        best = np.full(len(turned_away), self.reach, np.float32)
        for direction in (normals[turned_away], -normals[turned_away]):
            rays = np.concatenate([points[turned_away], direction], axis=1)
            hits = self.scene.cast_rays(o3d.core.Tensor.from_numpy(rays))
            t, hit = hits["t_hit"].numpy(), hits["primitive_ids"].numpy().astype(np.int64)
            nearer = t < best
            nearer[nearer] = np.einsum("nc,nc->n", self.facing[hit[nearer]], normals[turned_away][nearer]) > 0
            best[nearer] = t[nearer]
            triangle[turned_away[nearer]] = hit[nearer]
            uv[turned_away[nearer]] = hits["primitive_uvs"].numpy()[nearer]
        return triangle, np.concatenate([1 - uv.sum(axis=1, keepdims=True), uv], axis=1)
