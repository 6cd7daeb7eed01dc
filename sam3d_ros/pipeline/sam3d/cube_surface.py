"""The surface of a signed field over the voxels of a cube."""

from __future__ import annotations

import numpy as np
import open3d as o3d
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from ...geometry import Mesh

Grid = NDArray[np.float32]
_GREY = 128


def cube_surface(field: Grid, *, smoothing: int = 0) -> Mesh:
    """Closed grey surface in cube coordinates (-0.5 to 0.5, volumes [x, y, z]), outward triangles.

    `field` [R, R, R] is negative inside. So many rounds of Taubin's smoothing (1995) take the steps of voxels away and
    keep volume and thin walls, which smoothing the field would not. Raises ValueError where nothing is.
    """
    if not field.min() < 0:
        raise ValueError("no voxel of the cube is inside")
    resolution = len(field)
    padded = np.pad(field, 1, constant_values=max(float(field.max()), 0.5))
    vertices, triangles, _, _ = marching_cubes(padded, 0.0, gradient_direction="descent")
    vertices = _smoothed(vertices, triangles, smoothing)
    # Index 1 of the padded field is voxel 0, with its centre at 1/2.
    p_cube = ((vertices - 0.5) / resolution - 0.5).astype(np.float32)
    return Mesh(p_cube, triangles, np.full((len(p_cube), 3), _GREY, np.uint8))


def _smoothed(vertices: NDArray[np.float32], triangles: NDArray[np.int32], rounds: int) -> NDArray[np.float32]:
    """Vertices [V, 3] after so many rounds."""
    if rounds == 0:
        return vertices
    mesh = o3d.geometry.TriangleMesh(o3d.utility.Vector3dVector(vertices), o3d.utility.Vector3iVector(triangles))
    return np.asarray(mesh.filter_smooth_taubin(rounds).vertices).astype(np.float32)
