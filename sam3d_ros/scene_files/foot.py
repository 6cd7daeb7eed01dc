"""A closed surface cut flat below and joined to a foot: what a simplified mesh stands on."""

from __future__ import annotations

import manifold3d
import numpy as np

from ..geometry import Mesh
from ..messages.mesh_reduction import convex_hull
from ..pipeline.finish import finish_shape, is_watertight
from ..pipeline.manifold import separated, welded

_BUDGETS = (1.0, 0.8, 0.6, 0.4, 0.2)  # shares for the surface; what cutting and joining add takes the rest
_COARSE = 2000  # triangles from which all thinner ones are made
_FOOT_BUDGET = 0.25  # share of the triangles
_SMOOTH = 2e-4  # m, detail of the joined surface that goes


def on_foot(whole: Mesh, *, level: float, reach: float, max_triangles: int) -> Mesh | None:
    """The surface, given in the world, thinned out and cut at height `level`, on the hull of all that ends within
    `reach` metres above it and of that hull's shadow at `level`; at most `max_triangles`.

    Flattening the surface itself would fold it, and a folded surface cannot be thinned out. None where so few triangles
    make no closed surface with a foot.
    """
    foot = _foot(whole, level, reach, max(4, int(_FOOT_BUDGET * max_triangles)))
    coarse = finish_shape(whole, triangle_budget=max(_COARSE, max_triangles))
    for share in _BUDGETS:
        thin = finish_shape(coarse, triangle_budget=max(4, int(share * max_triangles)))
        solid = _solid(thin) if foot is None else _solid(thin) + _solid(foot)
        mesh = _mesh(solid.trim_by_plane((0.0, 0.0, 1.0), level).simplify(_SMOOTH))
        if 4 <= len(mesh.triangles) <= max_triangles and is_watertight(mesh):
            return mesh
    return None


def _foot(whole: Mesh, level: float, reach: float, max_triangles: int) -> Mesh | None:
    """Closed hull of the underside and its shadow; None where nothing ends above `level` within reach."""
    low = whole.vertices[whole.vertices[:, 2] < level + reach].astype(np.float64)
    low[:, 2] = np.maximum(low[:, 2], level)
    shadow = low * (1.0, 1.0, 0.0) + (0.0, 0.0, level)
    points = np.concatenate([low, shadow]).astype(np.float32)
    return convex_hull(Mesh(points, np.zeros((0, 3), np.int32), np.zeros((len(points), 3), np.uint8)), max_triangles)


def _solid(mesh: Mesh) -> manifold3d.Manifold:
    return manifold3d.Manifold(manifold3d.Mesh(mesh.vertices.astype(np.float32), mesh.triangles.astype(np.uint32)))


def _mesh(solid: manifold3d.Manifold) -> Mesh:
    data = solid.to_mesh()
    vertices, triangles = separated(*welded(np.asarray(data.vert_properties)[:, :3], np.asarray(data.tri_verts)))
    black = np.zeros((len(vertices), 3), np.uint8)
    return Mesh(vertices.astype(np.float32), triangles.astype(np.int32), black)
