"""Colours of a finer description of an object, painted on its finished mesh."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from ...geometry import Mesh
from ...geometry.textured_mesh import TexturedMesh
from .texel_map import TexelMap, map_texels
from .unwrap import unwrap

# sRGB [N, 3] at surface points [N, 3] with outward unit normals [N, 3], object frame.
ColourField = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.uint8]]


def bake_texture(mesh: Mesh, colours: ColourField, *, size: int = 1024) -> TexturedMesh:
    """The mesh with a texture of the colour field, `size` texels along its longer edge.

    Texels outside the charts take the colour of the nearest one inside, so that no seam shows when the picture is
    filtered. Raises UnwrapError where the mesh cannot be laid out, ValueError for a size below 16.
    """
    if size < 16:
        raise ValueError(f"a texture has at least 16 texels along its edge, got {size}")
    layout = unwrap(mesh, size=size)
    places = map_texels(mesh, layout)
    texture = _spread(places, colours(places.points, places.normals))
    return TexturedMesh(mesh, layout.uv, layout.uv_triangles, texture)


def _spread(places: TexelMap, painted: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture [H, W, 3] of the painted texels [N, 3], with the others filled from their nearest."""
    picture = np.zeros((*places.covered.shape, 3), np.uint8)
    picture[places.covered] = painted
    row, column = distance_transform_edt(~places.covered, return_distances=False, return_indices=True)
    spread: NDArray[np.uint8] = picture[row, column]
    return spread
