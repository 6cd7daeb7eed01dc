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
    return compacted(vertices, triangles[~_hidden(parts)[piece]])


def _part(vertices: Float64Array, triangles: IntArray) -> Mesh:
    points, corners = compacted(vertices, triangles)
    return Mesh(points.astype(np.float32), corners.astype(np.int32), np.zeros((len(points), 3), np.uint8))


def _hidden(parts: list[Mesh]) -> NDArray[np.bool_]:
    """Which of closed surfaces lie inside another one."""
    low = np.stack([part.vertices.min(axis=0) for part in parts])
    high = np.stack([part.vertices.max(axis=0) for part in parts])
    probes = np.stack([part.vertices[np.linspace(0, len(part.vertices) - 1, _PROBES).astype(int)] for part in parts])
    hidden = np.zeros(len(parts), np.bool_)
    for outer, part in enumerate(parts):
        boxed = ((low > low[outer]) & (high < high[outer])).all(axis=1)
        if boxed.any():
            hidden[boxed] |= occupancy(part, probes[boxed]).mean(axis=1) > _ENCLOSED
    return hidden
