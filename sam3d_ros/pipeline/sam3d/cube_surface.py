"""The surface of what the structure decoder says of the voxels of a cube."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from ...geometry import Mesh

Grid = NDArray[np.float32]
_SURE = 1.0  # logit from which on the occupancy overrules the sign of the distance
_GREY = 128


def cube_surface(logits: Grid | None, distance: Grid | None) -> Mesh:
    """Closed grey surface in cube coordinates (-0.5 to 0.5, volumes [x, y, z]), outward triangles.

    `logits` [R, R, R] are above 0 inside, `distance` below 0; one of them is enough. Raises ValueError where nothing is
    inside.
    """
    field = signed_field(logits, distance)
    if not field.min() < 0:
        raise ValueError("no voxel of the cube is inside")
    resolution = len(field)
    padded = np.pad(field, 1, constant_values=max(float(field.max()), 0.5))
    vertices, triangles, _, _ = marching_cubes(padded, 0.0, gradient_direction="descent")
    p_cube = (vertices - 0.5) / resolution - 0.5  # index 1 of the padded field is voxel 0, with its centre at 1/2
    return Mesh(p_cube, triangles, np.full((len(p_cube), 3), _GREY, np.uint8))


def signed_field(logits: Grid | None, distance: Grid | None) -> Grid:
    """What is zero on the surface and negative inside [R, R, R].

    The distance, but where it has another sign than logits that are sure of theirs these decide; without a distance
    they do everywhere. Raises ValueError without either.
    """
    if distance is None:
        if logits is None:
            raise ValueError("neither logits nor a distance say where the surface is")
        return -logits.astype(np.float32)
    field = distance.astype(np.float32)
    if logits is None:
        return field
    wrong = (np.abs(logits) > _SURE) & ((field < 0) != (logits > 0))
    return np.where(wrong, -np.sign(logits) * np.maximum(np.abs(field), 0.1), field).astype(np.float32)
