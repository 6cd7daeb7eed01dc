"""A box as a mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .mesh import Mesh


def box_mesh(extents: NDArray[np.float64], *, color: NDArray[np.float64], cells: int = 1) -> Mesh:
    """Closed box of edges `extents` [3] around the origin, of `cells` squares along each; darker towards the bottom."""
    corners: list[NDArray[np.int64]] = []
    triangles: list[NDArray[np.int64]] = []
    steps = np.arange(cells + 1)
    for axis in range(3):
        for side in (0, 1):
            a, b = np.meshgrid(steps, steps, indexing="ij")
            grid = np.empty((cells + 1, cells + 1, 3), np.int64)
            grid[..., axis], grid[..., (axis + 1) % 3], grid[..., (axis + 2) % 3] = side * cells, a, b
            index = np.arange(grid[..., 0].size).reshape(a.shape) + sum(len(c) for c in corners)
            p, q, r, s = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
            faces = np.stack([np.stack([p, q, r], -1), np.stack([p, r, s], -1)]).reshape(-1, 3)
            corners.append(grid.reshape(-1, 3))
            triangles.append(faces if side else faces[:, ::-1])
    unique, inverse = np.unique(np.concatenate(corners), axis=0, return_inverse=True)
    vertices = ((unique / cells - 0.5) * extents).astype(np.float32)
    shade = 0.6 + 0.4 * unique[:, 2:] / cells
    colors = np.clip(color * shade, 0, 255).astype(np.uint8)
    return Mesh(vertices, inverse.reshape(-1)[np.concatenate(triangles)].astype(np.int32), colors)
