"""From a raw surface to a mesh that planners, simulators and viewers take: closed, oriented, within a budget."""

from __future__ import annotations

import fast_simplification
import manifold3d
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull, QhullError, cKDTree

from ..geometry import SE3, Mesh

Float64Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_FLOATER = 0.05  # of the largest piece's surface; smaller pieces are dropped


def finish_mesh(mesh: Mesh, *, triangle_budget: int) -> Mesh:
    """The mesh without floating pieces, closed, with outward triangles, and with at most `triangle_budget` of them.

    Colours of new vertices come from the nearest old one. What closes the surface, in this order: it is closed as it
    is; its holes are closed by fans; its convex hull. What thins it out: quadric decimation, checked to be closed
    afterwards; manifold3d's simplification, which cannot open a surface; its convex hull. Raises ValueError for a mesh
    that spans no volume or a budget below 4, the triangles of a tetrahedron.
    """
    if triangle_budget < 4:
        raise ValueError(f"a closed mesh has at least 4 triangles, the budget is {triangle_budget}")
    vertices, triangles = mesh.vertices.astype(np.float64), mesh.triangles.astype(np.int64)
    if not _is_closed(triangles):
        vertices, triangles = _welded(mesh)
    vertices, triangles = _closed(*_without_floaters(vertices, triangles))
    if len(triangles) > triangle_budget:
        vertices, triangles = _thinned(vertices, triangles, triangle_budget)
    finished = np.asarray(vertices, np.float32)
    _, nearest = cKDTree(mesh.vertices).query(finished)
    return Mesh(finished, np.asarray(triangles, np.int32), mesh.vertex_colors[nearest])


def is_watertight(mesh: Mesh) -> bool:
    """Whether each edge has exactly one triangle on either side, all turning the same way, around a positive volume."""
    return _is_closed(mesh.triangles.astype(np.int64)) and _volume(mesh.vertices.astype(float), mesh.triangles) > 0


def centre_mesh(mesh: Mesh, T_cam_obj: SE3) -> tuple[Mesh, SE3]:
    """The same surface in the camera frame, with the object's origin moved to the centre of the mesh's box."""
    centre = mesh.box_centre.astype(np.float64)
    moved = Mesh((mesh.vertices - centre).astype(np.float32), mesh.triangles, mesh.vertex_colors)
    return moved, SE3(T_cam_obj.quat_wxyz, T_cam_obj.apply(centre))


def convex_hull(points: Float64Array) -> tuple[Float64Array, IntArray]:
    """Vertices [V, 3] and outward triangles [T, 3] of the hull of points [N, 3]; ValueError for points on a plane."""
    try:
        hull = ConvexHull(points)
    except QhullError as error:
        raise ValueError(f"{len(points)} points on a plane or line have no hull") from error
    used, triangles = np.unique(hull.simplices, return_inverse=True)
    vertices, triangles = points[used], triangles.reshape(-1, 3).astype(np.int64)
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), hull.equations[:, :3]) < 0
    triangles[inward] = triangles[inward][:, ::-1]
    return vertices, triangles


def _welded(mesh: Mesh) -> tuple[Float64Array, IntArray]:
    """Doubled vertices made one, triangles without three corners and doubled triangles dropped."""
    unique, inverse = np.unique(mesh.vertices, axis=0, return_inverse=True)
    triangles = inverse.reshape(-1)[mesh.triangles].astype(np.int64)
    corners = np.sort(triangles, axis=1)
    distinct = (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2])
    _, first = np.unique(corners[distinct], axis=0, return_index=True)
    return unique.astype(np.float64), triangles[distinct][np.sort(first)]


def _without_floaters(vertices: Float64Array, triangles: IntArray) -> tuple[Float64Array, IntArray]:
    """The pieces whose surface is not small beside the largest one's."""
    piece = _pieces(len(vertices), triangles)[triangles[:, 0]] if len(triangles) else np.zeros(0, np.int64)
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    surface = np.bincount(piece, np.linalg.norm(np.cross(b - a, c - a), axis=1)) if len(piece) else np.zeros(1)
    return _compacted(vertices, triangles[surface[piece] >= _FLOATER * surface.max()])


def _pieces(count: int, triangles: IntArray) -> IntArray:
    """Number of the connected piece of each vertex."""
    a, b = triangles[:, [0, 1]].reshape(-1), triangles[:, [1, 2]].reshape(-1)
    graph = coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _compacted(vertices: Float64Array, triangles: IntArray) -> tuple[Float64Array, IntArray]:
    used = np.zeros(len(vertices), np.bool_)
    used[triangles] = True
    return vertices[used], (np.cumsum(used) - 1)[triangles]


def _closed(vertices: Float64Array, triangles: IntArray) -> tuple[Float64Array, IntArray]:
    """The surface closed and turned outwards, or its hull where that fails."""
    if not _is_closed(triangles):
        vertices, triangles = _with_fans(vertices, triangles)
    if not _is_closed(triangles):
        return convex_hull(vertices)
    triangles = _turned_outwards(vertices, triangles)
    if _volume(vertices, triangles) > 0:
        return vertices, triangles
    return convex_hull(vertices)


def _thinned(vertices: Float64Array, triangles: IntArray, budget: int) -> tuple[Float64Array, IntArray]:
    """Thinned by quadric decimation, ever less hastily: the hastier, the more often it pinches the surface open."""
    for haste in (3, 1):
        points, faces = fast_simplification.simplify(
            vertices.astype(np.float32), triangles.astype(np.int32), target_count=budget, agg=haste
        )
        thin = _compacted(points.astype(np.float64), faces.astype(np.int64))
        if 4 <= len(thin[1]) <= budget and _is_closed(thin[1]) and _volume(*thin) > 0:
            return thin
    return _simplified(vertices, triangles, budget)


def _simplified(vertices: Float64Array, triangles: IntArray, budget: int) -> tuple[Float64Array, IntArray]:
    """Thinned by collapsing edges within a tolerance that grows until the budget is met."""
    solid = manifold3d.Manifold(manifold3d.Mesh(vertices.astype(np.float32), triangles.astype(np.uint32)))
    tolerance = 2.5e-3 * float(np.ptp(vertices, axis=0).max())
    for _ in range(8):
        mesh = solid.simplify(tolerance).to_mesh()
        thin = np.asarray(mesh.vert_properties[:, :3], np.float64), np.asarray(mesh.tri_verts, np.int64)
        if 4 <= len(thin[1]) <= budget and _is_closed(thin[1]) and _volume(*thin) > 0:
            return thin
        tolerance *= 2
    return _small_hull(vertices, budget)


def _small_hull(vertices: Float64Array, budget: int) -> tuple[Float64Array, IntArray]:
    """Hull of so few extreme points that it fits the budget (a hull of n points has at most 2 n - 4 triangles)."""
    count = max(4, (budget + 4) // 2)
    hull = convex_hull(vertices)
    if len(hull[1]) <= budget:
        return hull
    golden = np.pi * (3 - np.sqrt(5)) * np.arange(count)
    z = 1 - (2 * np.arange(count) + 1) / count
    directions = np.stack([np.sqrt(1 - z**2) * np.cos(golden), np.sqrt(1 - z**2) * np.sin(golden), z], axis=1)
    return convex_hull(vertices[np.unique((vertices @ directions.T).argmax(axis=0))])


def _is_closed(triangles: IntArray) -> bool:
    """Whether each directed edge occurs once and its reverse occurs once."""
    if not len(triangles):
        return False
    forward, backward = _edge_codes(triangles)
    ordered = np.sort(forward)
    return bool((np.diff(ordered) > 0).all() and np.array_equal(ordered, np.sort(backward)))


def _edge_codes(triangles: IntArray) -> tuple[IntArray, IntArray]:
    """One number per directed edge, and the number of its reverse."""
    start, end = triangles.reshape(-1).astype(np.int64), np.roll(triangles, -1, axis=1).reshape(-1).astype(np.int64)
    count = np.int64(triangles.max() + 1)
    return start * count + end, end * count + start


def _volume(vertices: Float64Array, triangles: NDArray[np.integer]) -> float:
    a, b, c = (vertices[triangles[:, i]] - vertices.mean(axis=0) for i in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def _turned_outwards(vertices: Float64Array, triangles: IntArray) -> IntArray:
    """Each piece of a closed surface turned so that its volume is positive."""
    piece = _pieces(len(vertices), triangles)[triangles[:, 0]]
    a, b, c = (vertices[triangles[:, i]] - vertices.mean(axis=0) for i in range(3))
    inside_out = (np.bincount(piece, np.einsum("ij,ij->i", a, np.cross(b, c))) < 0)[piece]
    turned = np.array(triangles)
    turned[inside_out] = turned[inside_out][:, ::-1]
    return turned


def _with_fans(vertices: Float64Array, triangles: IntArray) -> tuple[Float64Array, IntArray]:
    """Each hole closed by triangles from its rim to the middle of it."""
    forward, backward = _edge_codes(triangles)
    open_edges = np.flatnonzero(~np.isin(backward, forward))
    if not len(open_edges):
        return vertices, triangles
    start, end = triangles.reshape(-1)[open_edges], np.roll(triangles, -1, axis=1).reshape(-1)[open_edges]
    rim = np.stack([start, end], axis=1)
    hole = _pieces(len(vertices), np.concatenate([rim, rim[:, :1]], axis=1))[start]
    hole = np.unique(hole, return_inverse=True)[1]
    size = np.bincount(hole)
    middles = np.stack([np.bincount(hole, vertices[start, i]) / size for i in range(3)], axis=1)
    fans = np.stack([end, start, len(vertices) + hole], axis=1)
    return np.concatenate([vertices, middles]), np.concatenate([triangles, fans])
