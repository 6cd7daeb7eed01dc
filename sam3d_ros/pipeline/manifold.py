"""Triangle soups made into closed surfaces in which each edge has one triangle on either side.

Decoders leave edges with four triangles where two solid corners touch, and scans leave holes. All surfaces here are
pairs of vertices [V, 3] and triangles [T, 3]; nothing is changed in place.

A half-edge has a number: 3 t + k is the one of triangle t that begins at its corner k, so it also names that corner.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Float64Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_GAP = 0.02  # of a triangle's size: how far surfaces that touch are drawn apart, so that readers do not join them again

# Kinds of edges: between two triangles, where solids touch, where the surface ends, where it turns over.
_SIMPLE, _TOUCHING, _RIM, _TURNING = range(4)


def is_closed(triangles: IntArray) -> bool:
    """Whether each directed edge occurs once and its reverse occurs once."""
    if not len(triangles):
        return False
    forward, backward = _edge_codes(triangles)
    ordered = np.sort(forward)
    return bool((np.diff(ordered) > 0).all() and np.array_equal(ordered, np.sort(backward)))


def volume(vertices: Float64Array, triangles: NDArray[np.integer]) -> float:
    """Signed volume of a closed surface, positive where its triangles turn outwards."""
    return float(_volumes_to_middle(vertices, triangles).sum())


def welded(vertices: NDArray[np.floating], triangles: NDArray[np.integer]) -> tuple[Float64Array, IntArray]:
    """Doubled vertices made one, triangles without three corners dropped, doubled triangles made one.

    Triangles with the same corners that turn against each other enclose nothing: such pairs go altogether.
    """
    unique, inverse = np.unique(vertices, axis=0, return_inverse=True)
    joined = inverse.reshape(-1)[triangles].astype(np.int64)
    corners = np.sort(joined, axis=1)
    ascending = (np.diff(joined[:, [0, 1, 2, 0]], axis=1) > 0).sum(axis=1) == 2  # an even order of its corners
    order = np.lexsort((ascending, *corners.T))
    new = np.concatenate([[True], (np.diff(corners[order], axis=0) != 0).any(axis=1)])[: len(joined)]
    balance = np.bincount(np.cumsum(new) - 1, np.where(ascending[order], 1, -1))
    first, last = np.flatnonzero(new), np.append(np.flatnonzero(new)[1:], len(joined)) - 1
    kept = np.zeros(len(joined), np.bool_)
    kept[order[np.where(balance > 0, last, first)[balance != 0]]] = True
    kept &= (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2])
    return unique.astype(np.float64), joined[kept]


def pieces(count: int, triangles: IntArray) -> IntArray:
    """Number of the connected piece of each of `count` vertices."""
    a, b = triangles[:, [0, 1]].reshape(-1), triangles[:, [1, 2]].reshape(-1)
    return _components(count, a, b)


def compacted(vertices: Float64Array, triangles: IntArray) -> tuple[Float64Array, IntArray]:
    """The surface without vertices that no triangle uses."""
    used = np.zeros(len(vertices), np.bool_)
    used[triangles] = True
    return vertices[used], (np.cumsum(used) - 1)[triangles]


def turned_outwards(vertices: Float64Array, triangles: IntArray) -> IntArray:
    """Each piece of a closed surface turned so that its volume is positive."""
    piece = pieces(len(vertices), triangles)[triangles[:, 0]]
    inside_out = (np.bincount(piece, _volumes_to_middle(vertices, triangles)) < 0)[piece]
    return np.where(inside_out[:, None], triangles[:, ::-1], triangles)


def separated(
    vertices: Float64Array, triangles: IntArray, *, pinched_rims: bool = False
) -> tuple[Float64Array, IntArray]:
    """The surface without edges at which solids touch: there each gets vertices of its own, a hair's breadth apart.

    Such edges have as many half-edges in one direction as in the other, and more than one. Edges at which the surface
    ends or turns over are left as they are; with `pinched_rims` holes that meet in a vertex get one vertex each.
    """
    if not len(triangles):
        return vertices, triangles
    kinds, pairs = _paired_half_edges(vertices, triangles)
    touching = (kinds == _TOUCHING) | (pinched_rims & (kinds == _RIM))
    doubtful = np.zeros(len(vertices), np.bool_)
    doubtful[triangles.reshape(-1)[touching]] = doubtful[_heads(triangles)[touching]] = True
    corners = np.flatnonzero(doubtful[triangles.reshape(-1)])
    if not len(corners):
        return vertices, triangles
    touched = np.zeros(len(triangles), np.bool_)
    touched[corners // 3] = True
    vertices, triangles = _split(vertices, triangles, corners, _fans(len(triangles), corners, pairs))
    vertices, cut = _without_doubled_edges(vertices, triangles[touched])
    return compacted(vertices, np.concatenate([triangles[~touched], cut]))


def with_fans(vertices: Float64Array, triangles: IntArray) -> tuple[Float64Array, IntArray]:
    """Each hole closed by triangles from its rim to the middle of it."""
    forward, backward = _edge_codes(triangles)
    ordered = np.sort(forward)
    place = np.minimum(np.searchsorted(ordered, backward), len(ordered) - 1)
    open_edges = np.flatnonzero(ordered[place] != backward)
    if not len(open_edges):
        return vertices, triangles
    start, end = triangles.reshape(-1)[open_edges], _heads(triangles)[open_edges]
    hole = np.unique(_components(len(vertices), start, end)[start], return_inverse=True)[1]
    size = np.bincount(hole)
    middles = np.stack([np.bincount(hole, vertices[start, i]) / size for i in range(3)], axis=1)
    fans = np.stack([end, start, len(vertices) + hole], axis=1)
    return np.concatenate([vertices, middles]), np.concatenate([triangles, fans])


def _heads(triangles: IntArray) -> IntArray:
    """Vertex at the end of each half-edge, [3 T]."""
    return np.roll(triangles, -1, axis=1).reshape(-1)


def _edge_codes(triangles: IntArray) -> tuple[IntArray, IntArray]:
    """One number per half-edge, and the number of its reverse."""
    start, end = triangles.reshape(-1).astype(np.int64), _heads(triangles).astype(np.int64)
    count = np.int64(triangles.max() + 1)
    return start * count + end, end * count + start


def _components(count: int, a: IntArray, b: IntArray) -> IntArray:
    graph = coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _volumes_to_middle(vertices: Float64Array, triangles: NDArray[np.integer]) -> Float64Array:
    """Signed volume of the tetrahedron from each triangle to the middle of the vertices, [T]."""
    centred = vertices - vertices.mean(axis=0)
    a, b, c = (centred[triangles[:, i]] for i in range(3))
    sixfold: Float64Array = np.einsum("ij,ij->i", a, np.cross(b, c))
    return sixfold / 6


def _paired_half_edges(vertices: Float64Array, triangles: IntArray) -> tuple[NDArray[np.int8], IntArray]:
    """The kind of edge of each half-edge, [3 T], and pairs of half-edges that run against each other, [P, 2].

    Half-edges of touching solids are paired where there is solid between their triangles, seen around the edge.
    """
    forward, backward = _edge_codes(triangles)
    order = np.argsort(np.minimum(forward, backward), kind="stable")
    edge = np.minimum(forward, backward)[order]
    group = np.cumsum(np.concatenate([[True], edge[1:] != edge[:-1]])) - 1
    count, upward = np.bincount(group), np.bincount(group, (forward < backward)[order])
    balanced = 2 * upward == count
    kind = np.select([balanced & (count == 2), balanced, count == 1], [_SIMPLE, _TOUCHING, _RIM], _TURNING)[group]
    simple, touching = order[kind == _SIMPLE].reshape(-1, 2), kind == _TOUCHING
    kinds = np.empty(len(order), np.int8)
    kinds[order] = kind
    return kinds, np.concatenate([simple, _solid_pairs(vertices, triangles, order[touching], group[touching])])


def _solid_pairs(vertices: Float64Array, triangles: IntArray, half: IntArray, edge: IntArray) -> IntArray:
    """Pairs of half-edges [P, 2] of the same edge that follow each other around it with solid between them."""
    if not len(half):
        return np.zeros((0, 2), np.int64)
    tail, head = triangles.reshape(-1)[half], _heads(triangles)[half]
    upward = tail < head
    order = np.lexsort((_angles(vertices, triangles, half), edge))
    half, edge, upward = half[order], edge[order], upward[order]
    first = np.flatnonzero(np.concatenate([[True], edge[1:] != edge[:-1]]))
    following = np.arange(1, len(half) + 1)
    following[np.concatenate([first[1:], [len(half)]]) - 1] = first  # around the edge and back to its first triangle
    with_solid = ~upward & upward[following]
    return np.stack([half[with_solid], half[following[with_solid]]], axis=1)


def _angles(vertices: Float64Array, triangles: IntArray, half: IntArray) -> Float64Array:
    """Direction of each half-edge's triangle, as an angle around the edge from its lower to its higher vertex."""
    tail, head = triangles.reshape(-1)[half], _heads(triangles)[half]
    tip = vertices[np.roll(triangles, -2, axis=1).reshape(-1)[half]]
    low, high = vertices[np.minimum(tail, head)], vertices[np.maximum(tail, head)]
    axis = (high - low) / np.maximum(np.linalg.norm(high - low, axis=1, keepdims=True), 1e-30)
    helper = np.eye(3)[np.abs(axis).argmin(axis=1)]
    x = np.cross(axis, helper)
    y = np.cross(axis, x)
    arm = tip - low
    angles: Float64Array = np.arctan2((arm * y).sum(axis=1), (arm * x).sum(axis=1))
    return angles


def _fans(count: int, corners: IntArray, pairs: IntArray) -> IntArray:
    """Number of the fan of triangles that each of the corners belongs to, [len(corners)]."""
    place = np.full(3 * count, -1, np.int64)
    place[corners] = np.arange(len(corners))
    following = 3 * (pairs // 3) + (pairs + 1) % 3  # the corner at the other end of the half-edge
    a = place[np.concatenate([pairs[:, 0], following[:, 0]])]
    b = place[np.concatenate([following[:, 1], pairs[:, 1]])]
    joined = (a >= 0) & (b >= 0)
    return _components(len(corners), a[joined], b[joined])


def _split(
    vertices: Float64Array, triangles: IntArray, corners: IntArray, fan: IntArray
) -> tuple[Float64Array, IntArray]:
    """One vertex per fan, moved a little to its own side where several were one."""
    _, first = np.unique(fan, return_index=True)
    old = triangles.reshape(-1)[corners[first]]  # by fan
    shared = np.bincount(old, minlength=len(vertices))[old] > 1
    middles = vertices[triangles[corners // 3]].mean(axis=1)
    weight = np.bincount(fan)
    aim = np.stack([np.bincount(fan, middles[:, i]) / weight for i in range(3)], axis=1)
    moved = vertices[old] + _GAP * (aim - vertices[old]) * shared[:, None]
    split = triangles.reshape(-1).copy()
    split[corners] = len(vertices) + fan
    return np.concatenate([vertices, moved]), split.reshape(-1, 3)


def _without_doubled_edges(vertices: Float64Array, triangles: IntArray) -> tuple[Float64Array, IntArray]:
    """Edges of a surface that join the same two vertices in two ways get a vertex of their own in the middle."""
    while True:
        kinds, pairs = _paired_half_edges(vertices, triangles)
        doubled = pairs[kinds[pairs[:, 0]] == _TOUCHING]
        if not len(doubled):
            return vertices, triangles
        _, first = np.unique(doubled // 3, return_index=True)  # each triangle is cut once at a time
        alone = np.isin(np.arange(doubled.size), first).reshape(-1, 2).all(axis=1)
        vertices, triangles = _cut_in_the_middle(vertices, triangles, doubled[alone])


def _cut_in_the_middle(vertices: Float64Array, triangles: IntArray, pairs: IntArray) -> tuple[Float64Array, IntArray]:
    """Both triangles of each pair of half-edges [P, 2] cut in two by a new vertex on the edge between them."""
    turned = (pairs[..., None] % 3 + np.arange(3)) % 3
    a, b, c = np.moveaxis(np.take_along_axis(triangles[pairs // 3], turned, axis=2), 2, 0)  # [P, 2] each
    middle = (vertices[a[:, 0]] + vertices[b[:, 0]]) / 2
    middle += _GAP * (vertices[c].mean(axis=1) - middle)
    new = np.broadcast_to(len(vertices) + np.arange(len(pairs))[:, None], a.shape)
    cut = triangles.copy()
    cut[pairs // 3] = np.stack([a, new, c], axis=2)
    return np.concatenate([vertices, middle]), np.concatenate([cut, np.stack([new, b, c], axis=2).reshape(-1, 3)])
