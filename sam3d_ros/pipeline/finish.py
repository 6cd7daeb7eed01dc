"""From a raw surface to a mesh that planners, simulators and viewers take: closed, oriented, within a budget."""

from __future__ import annotations

import fast_simplification
import manifold3d
import numpy as np
from scipy.spatial import ConvexHull, QhullError, cKDTree

from ..geometry import SE3, Mesh
from ..geometry.sampling import vertex_normals
from .cavities import without_cavity_walls
from .manifold import (
    Float64Array,
    IntArray,
    is_closed,
    separated,
    turned_outwards,
    volume,
    welded,
    with_fans,
)
from .shells import without_floaters, without_hidden_pieces

_HASTE = (3, 5, 7, 1)  # of decimation, in the order in which they are tried; rough surfaces are not thinned at 3
_NEIGHBOURS = 8  # old vertices among which the colour of a new one is looked for


def finish_mesh(mesh: Mesh, *, triangle_budget: int, fill_cavities: bool = False) -> Mesh:
    """The outside of the mesh: closed, with outward triangles, and with at most `triangle_budget` of them.

    Floating pieces go, and so do pieces inside others: what comes out is solid. `fill_cavities` also fills insides that
    narrow punctures join to the outside, for surfaces of decoders that know nothing of the inside. Each vertex has the
    colour of the nearest old one that faces the same way. What closes the surface, in this order: it is closed as it
    is; solids that touch are separated and holes closed by fans; its convex hull. What thins it out: quadric
    decimation, checked to be closed afterwards; manifold3d's simplification, which cannot open a surface; its convex
    hull. Raises ValueError for a mesh that spans no volume or a budget below 4, the triangles of a tetrahedron.
    """
    whole, thin = _finished(mesh, triangle_budget, fill_cavities)
    return _coloured(thin, whole, mesh)


def finish_shape(mesh: Mesh, *, triangle_budget: int) -> Mesh:
    """As `finish_mesh`, but black: for surfaces whose colours follow afterwards, as looking for them takes its time."""
    return _finished(mesh, triangle_budget, False)[1]


def _finished(mesh: Mesh, triangle_budget: int, fill_cavities: bool) -> tuple[Mesh, Mesh]:
    """The outside of a mesh before and after it is thinned out, without colours."""
    if triangle_budget < 4:
        raise ValueError(f"a closed mesh has at least 4 triangles, the budget is {triangle_budget}")
    vertices, triangles = mesh.vertices.astype(np.float64), mesh.triangles.astype(np.int64)
    closed = is_closed(triangles)
    if not closed:
        vertices, triangles = separated(*welded(mesh.vertices, mesh.triangles))
    vertices, triangles = without_floaters(vertices, triangles)
    vertices, triangles = _outside(vertices, triangles) if closed else _closed(vertices, triangles)
    if fill_cavities:
        vertices, triangles = _filled(vertices, triangles)
    whole = _mesh(vertices, triangles)
    if len(triangles) > triangle_budget:
        vertices, triangles = _thinned(vertices, triangles, triangle_budget)
    return whole, _mesh(vertices, triangles)


def is_watertight(mesh: Mesh) -> bool:
    """Whether each edge has exactly one triangle on either side, all turning the same way, around a positive volume."""
    return is_closed(mesh.triangles.astype(np.int64)) and volume(mesh.vertices.astype(float), mesh.triangles) > 0


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


def _closed(vertices: Float64Array, triangles: IntArray) -> tuple[Float64Array, IntArray]:
    """The surface closed, turned outwards and without hidden pieces, or its hull where that fails."""
    if not is_closed(triangles):
        vertices, triangles = with_fans(vertices, triangles)
    return _outside(vertices, triangles) if is_closed(triangles) else convex_hull(vertices)


def _outside(vertices: Float64Array, triangles: IntArray) -> tuple[Float64Array, IntArray]:
    """A closed surface turned outwards and without hidden pieces, or its hull where it spans no volume."""
    vertices, triangles = without_hidden_pieces(vertices, triangles)
    triangles = turned_outwards(vertices, triangles)
    if volume(vertices, triangles) > 0:
        return vertices, triangles
    return convex_hull(vertices)


def _filled(vertices: Float64Array, triangles: IntArray) -> tuple[Float64Array, IntArray]:
    """A closed surface without the walls of its cavities, closed again where they were joined to the outside.

    Where it cannot be closed again it stays as it was: hollow is better than a hull.
    """
    outside = without_cavity_walls(vertices, triangles)
    if len(outside[1]) == len(triangles):
        return vertices, triangles
    closed = with_fans(*without_floaters(*separated(*outside, pinched_rims=True)))
    return _closed(*closed) if is_closed(closed[1]) else (vertices, triangles)


def _thinned(vertices: Float64Array, triangles: IntArray, budget: int) -> tuple[Float64Array, IntArray]:
    """Thinned by quadric decimation: the hastier, the rougher a surface may be, and the more often it is pinched."""
    for haste in _HASTE:
        points, faces = fast_simplification.simplify(
            vertices.astype(np.float32), triangles.astype(np.int32), target_count=budget, agg=haste
        )
        thin = separated(*welded(points, faces))
        if _is_solid(*thin, budget):
            return thin
    return _simplified(vertices, triangles, budget)


def _simplified(vertices: Float64Array, triangles: IntArray, budget: int) -> tuple[Float64Array, IntArray]:
    """Thinned by collapsing edges within a tolerance that grows until the budget is met."""
    solid = manifold3d.Manifold(manifold3d.Mesh(vertices.astype(np.float32), triangles.astype(np.uint32)))
    tolerance = 2.5e-3 * float(np.ptp(vertices, axis=0).max())
    for _ in range(8):
        mesh = solid.simplify(tolerance).to_mesh()
        thin = separated(*welded(mesh.vert_properties[:, :3], mesh.tri_verts))
        if _is_solid(*thin, budget):
            return thin
        tolerance *= 2
    return _small_hull(vertices, budget)


def _is_solid(vertices: Float64Array, triangles: IntArray, budget: int) -> bool:
    return 4 <= len(triangles) <= budget and is_closed(triangles) and volume(vertices, triangles) > 0


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


def _mesh(vertices: Float64Array, triangles: IntArray) -> Mesh:
    """A mesh still without colours."""
    return Mesh(vertices.astype(np.float32), triangles.astype(np.int32), np.zeros((len(vertices), 3), np.uint8))


def _coloured(finished: Mesh, whole: Mesh, source: Mesh) -> Mesh:
    """Colours of the `source` on the finished mesh, by way of the `whole` one: its outside before it was thinned.

    Across a thin wall the nearest vertex may belong to the other side, and before its inside goes the source has more
    walls than the finished mesh.
    """
    count = min(_NEIGHBOURS, len(whole.vertices))
    _, near = cKDTree(whole.vertices).query(finished.vertices, k=np.arange(1, count + 1))
    agreement = np.einsum("vc,vkc->vk", vertex_normals(finished), vertex_normals(whole)[near])
    best = near[np.arange(len(near)), (agreement > 0).argmax(axis=1)]  # the nearest where none faces the same way
    _, old = cKDTree(source.vertices).query(whole.vertices[best])
    return Mesh(finished.vertices, finished.triangles, source.vertex_colors[old])
