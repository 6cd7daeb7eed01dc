"""Truncated signed distance of a closed mesh on a box-shaped grid: exact near the surface, a byte a node.

The grid is stretched to the object's box, so that flat and long objects use all nodes; the distances stay metric.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import open3d as o3d
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, distance_transform_edt

from ..synthetic.surface import Array

NODES = 96  # along each axis
TRUNCATION = 0.12  # of the largest extent
MARGIN = 0.06  # of the largest extent, around the box


@dataclass(frozen=True, slots=True, eq=False)
class DistanceGrid:
    """Distance `values / 127 * truncation` in metres, negative inside, at nodes from `low` to `high`, both included."""

    values: NDArray[np.int8]  # [NODES, NODES, NODES] over x, y, z
    low: NDArray[np.float32]  # [3] object frame
    high: NDArray[np.float32]  # [3]
    truncation: float  # m


def distance_grid(vertices: NDArray[np.float32], faces: NDArray[np.int32], surface: Array) -> DistanceGrid:
    """Grid of a closed mesh; `surface` [S, 3] are points all over it, closer together than the grid's nodes.

    Nodes beside the surface ask the mesh for their nearest point and for their side; the others take the nearest point
    and the side of the nearest such node (closest point transform).
    """
    size = float(np.ptp(vertices, axis=0).max())
    low, high = vertices.min(axis=0) - MARGIN * size, vertices.max(axis=0) + MARGIN * size
    spacing = (high - low) / (NODES - 1)
    band = _near(surface, low, spacing)
    index = np.argwhere(band)
    closest, inside = _ask_mesh(vertices, faces, (low + index * spacing).astype(np.float32))
    exact = np.linalg.norm(low + index * spacing - closest, axis=1)
    touching = np.zeros(band.shape, bool)
    touching[tuple(index[exact < 0.9 * spacing.max()].T)] = True
    nearest = distance_transform_edt(~touching, sampling=spacing, return_distances=False, return_indices=True)
    number = np.zeros(band.shape, np.int32)
    number[band] = np.arange(len(index))
    owner = number[tuple(nearest)]
    nodes = np.stack(np.meshgrid(*(low[k] + spacing[k] * np.arange(NODES) for k in range(3)), indexing="ij"), axis=-1)
    distance = np.linalg.norm(nodes.astype(np.float32) - closest[owner], axis=-1)
    signed = np.where(inside[owner], -distance, distance)
    signed[band] = np.where(inside, -exact, exact)
    truncation = TRUNCATION * size
    signed = signed / truncation
    values = np.rint(127 * np.clip(signed, -1, 1)).astype(np.int8)
    return DistanceGrid(values, low.astype(np.float32), high.astype(np.float32), truncation)


def _near(surface: Array, low: Array, spacing: Array) -> NDArray[np.bool_]:
    """Nodes within about one and a half cells of a surface point."""
    cell = np.rint((surface - low) / spacing).astype(int).clip(0, NODES - 1)
    band = np.zeros((NODES,) * 3, bool)
    band[tuple(cell.T)] = True
    wider: NDArray[np.bool_] = binary_dilation(band, np.ones((3, 3, 3), bool))
    return wider


def _ask_mesh(
    vertices: NDArray[np.float32], faces: NDArray[np.int32], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Nearest surface point [N, 3] of each point, and whether it is inside (majority of three rays)."""
    scene = o3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(o3d.core.Tensor.from_numpy(vertices), o3d.core.Tensor.from_numpy(faces.astype(np.uint32)))
    queries = o3d.core.Tensor.from_numpy(points)
    closest = scene.compute_closest_points(queries, nthreads=1)["points"].numpy()
    inside = scene.compute_occupancy(queries, nthreads=1, nsamples=3).numpy() > 0.5
    return closest, inside
