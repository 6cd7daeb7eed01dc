"""The surface of a signed field over the voxels of a cube."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from ...geometry import Mesh

Grid = NDArray[np.float32]
_GREY = 128


def cube_surface(field: Grid) -> Mesh:
    """Closed grey surface in cube coordinates (-0.5 to 0.5, volumes [x, y, z]), outward triangles.

    `field` [R, R, R] is negative inside. Raises ValueError where nothing is.
    """
    if not field.min() < 0:
        raise ValueError("no voxel of the cube is inside")
    resolution = len(field)
    padded = np.pad(field, 1, constant_values=max(float(field.max()), 0.5))
    vertices, triangles, _, _ = marching_cubes(padded, 0.0, gradient_direction="descent")
    p_cube = (vertices - 0.5) / resolution - 0.5  # index 1 of the padded field is voxel 0, with its centre at 1/2
    return Mesh(p_cube, triangles, np.full((len(p_cube), 3), _GREY, np.uint8))
