"""Smaller meshes for messages: fewer triangles for viewers, convex hulls for planners."""

from __future__ import annotations

import fast_simplification
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, KDTree, QhullError

from ..geometry import Mesh


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
    """Farthest-point sampling that starts with a tetrahedron, so that a body with volume keeps some."""
    chosen = _tetrahedron(points)
    distances = np.min([_distance(points, points[corner]) for corner in chosen], axis=0)
    while len(chosen) < count:
        chosen.append(int(np.argmax(distances)))
        distances = np.minimum(distances, _distance(points, points[chosen[-1]]))
    return points[chosen]


def _tetrahedron(points: NDArray[np.float64]) -> list[int]:
    """Four corners: far from the centre, far from the first, from their line, from their plane."""
    a = int(np.argmax(_distance(points, points.mean(axis=0))))
    b = int(np.argmax(_distance(points, points[a])))
    from_line = np.linalg.norm(np.cross(points - points[a], points[b] - points[a]), axis=1)
    c = int(np.argmax(from_line))
    normal = np.cross(points[b] - points[a], points[c] - points[a])
    d = int(np.argmax(np.abs((points - points[a]) @ normal)))
    return [a, b, c, d]


def _distance(points: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = np.linalg.norm(points - point, axis=1)
    return distances
