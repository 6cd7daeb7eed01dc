"""Smaller meshes for messages: fewer triangles for viewers, convex hulls for planners."""

from __future__ import annotations

import fast_simplification
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, KDTree, QhullError

from ...geometry import Mesh


def capped(mesh: Mesh, max_triangles: int) -> Mesh:
    """The mesh itself, or a simpler one with at most `max_triangles` (quadric edge collapse), colours carried over."""
    count = len(mesh.triangles)
    if count <= max_triangles:
        return mesh
    vertices, triangles = fast_simplification.simplify(mesh.vertices, mesh.triangles, target_count=max_triangles)
    _, nearest = KDTree(mesh.vertices).query(vertices)
    return Mesh(vertices, triangles, mesh.vertex_colors[nearest])


def convex_hull(mesh: Mesh, max_triangles: int) -> Mesh | None:
    """Closed convex hull, triangles outward; None where the mesh is flat and has no volume.

    A hull of more than `max_triangles` is rebuilt from fewer of its corners, those farthest apart. It then lies
    slightly inside: by less than the spacing of the corners.
    """
    hull = _hull_of(mesh.vertices.astype(np.float64))
    if hull is None:
        return None
    # A closed triangulated surface has 2 V - 4 triangles.
    corners = max(max_triangles // 2 + 2, 4)
    if len(hull.vertices) > corners:
        hull = _hull_of(_spread(hull.vertices.astype(np.float64), corners))
    return hull


def _hull_of(points: NDArray[np.float64]) -> Mesh | None:
    try:
        hull = ConvexHull(points)
    except (QhullError, ValueError):  # flat, or fewer than four points
        return None
    used, triangles = np.unique(hull.simplices, return_inverse=True)
    vertices = points[used]
    outward = _outward(vertices, triangles.reshape(-1, 3), hull.equations[:, :3])
    return Mesh(vertices, outward.astype(np.int32), np.full((len(vertices), 3), 128, np.uint8))


def _outward(
    vertices: NDArray[np.float64], triangles: NDArray[np.int64], normals: NDArray[np.float64]
) -> NDArray[np.int64]:
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    inward = np.einsum("tk,tk->t", np.cross(b - a, c - a), normals) < 0
    return np.where(inward[:, None], triangles[:, ::-1], triangles)


def _spread(points: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Farthest-point sampling, starting at the point farthest from the centre."""
    chosen = [int(np.argmax(np.linalg.norm(points - points.mean(axis=0), axis=1)))]
    distances = np.full(len(points), np.inf)
    while len(chosen) < count:
        distances = np.minimum(distances, np.linalg.norm(points - points[chosen[-1]], axis=1))
        chosen.append(int(np.argmax(distances)))
    return points[chosen]
