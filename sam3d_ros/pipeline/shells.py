"""Which pieces of a surface belong to the object's outside.

Decoders of sparse voxels know nothing of an object's inside and surround it with a second, hidden wall. Planners and
volumes want one solid, so such walls go.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry import Mesh
from ..geometry.volume import occupancy
from .manifold import Float64Array, IntArray, compacted, pieces

_FLOATER = 0.05  # of the largest piece's surface; smaller pieces are dropped
_PROBES = 99  # vertices of a piece that are asked whether they lie inside another one
_ENCLOSED = 0.9  # share of them from which on it does


def without_floaters(vertices: Float64Array, triangles: IntArray) -> tuple[Float64Array, IntArray]:
    """The pieces whose surface is not small beside the largest one's."""
    piece = pieces(len(vertices), triangles)[triangles[:, 0]] if len(triangles) else np.zeros(0, np.int64)
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    surface = np.bincount(piece, np.linalg.norm(np.cross(b - a, c - a), axis=1)) if len(piece) else np.zeros(1)
    return compacted(vertices, triangles[surface[piece] >= _FLOATER * surface.max()])


def without_hidden_pieces(vertices: Float64Array, triangles: IntArray) -> tuple[Float64Array, IntArray]:
    """A closed surface without the pieces that lie inside others: walls of closed cavities, and what is in these."""
    piece = np.unique(pieces(len(vertices), triangles)[triangles[:, 0]], return_inverse=True)[1]
    count = int(piece.max()) + 1
    if count == 1:
        return vertices, triangles
    parts = [_part(vertices, triangles[piece == number]) for number in range(count)]
    hidden = np.array([any(_inside(a, b) for b in parts if b is not a) for a in parts])
    return compacted(vertices, triangles[~hidden[piece]])


def _part(vertices: Float64Array, triangles: IntArray) -> Mesh:
    points, corners = compacted(vertices, triangles)
    return Mesh(points.astype(np.float32), corners.astype(np.int32), np.zeros((len(points), 3), np.uint8))


def _inside(inner: Mesh, outer: Mesh) -> bool:
    """Whether the one closed surface lies inside the other."""
    if (inner.extents > outer.extents).any():
        return False
    probes = inner.vertices[np.linspace(0, len(inner.vertices) - 1, _PROBES).astype(np.int64)]
    held: NDArray[np.bool_] = occupancy(outer, probes)
    return bool(held.mean() > _ENCLOSED)
