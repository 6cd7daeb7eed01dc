"""Which place of the surface each texel shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from ...geometry import Mesh
from ...geometry.sampling import triangle_normals
from .unwrap import Layout


@dataclass(frozen=True, slots=True, eq=False)
class TexelMap:
    """Surface points of the texels that lie in a chart."""

    covered: NDArray[np.bool_]  # [H, W]
    points: NDArray[np.float32]  # [N, 3] object frame, in the order of the covered texels
    normals: NDArray[np.float32]  # [N, 3] unit, outward


def map_texels(mesh: Mesh, layout: Layout) -> TexelMap:
    """Surface point and normal at the centre of each texel: rays shot at the charts lying flat."""
    flat = np.zeros((len(layout.uv), 3), np.float32)
    flat[:, :2] = layout.uv * [layout.width, layout.height]
    scene = o3d.t.geometry.RaycastingScene()
    triangles = layout.uv_triangles.astype(np.uint32)
    scene.add_triangles(o3d.core.Tensor.from_numpy(flat), o3d.core.Tensor.from_numpy(triangles))
    answer = scene.cast_rays(o3d.core.Tensor.from_numpy(_rays(layout)))
    covered = np.isfinite(answer["t_hit"].numpy())
    triangle = answer["primitive_ids"].numpy()[covered]
    uv = answer["primitive_uvs"].numpy()[covered]
    weights = np.concatenate([1 - uv.sum(axis=1, keepdims=True), uv], axis=1)
    points = np.einsum("nk,nkc->nc", weights, mesh.vertices[mesh.triangles[triangle]])
    return TexelMap(covered, points.astype(np.float32), triangle_normals(mesh)[triangle].astype(np.float32))


def _rays(layout: Layout) -> NDArray[np.float32]:
    """One ray down on the centre of each texel, [H, W, 6]."""
    rays = np.zeros((layout.height, layout.width, 6), np.float32)
    rays[..., 0] = np.arange(layout.width) + 0.5
    rays[..., 1] = np.arange(layout.height)[:, None] + 0.5
    rays[..., 2], rays[..., 5] = 1, -1
    return rays
