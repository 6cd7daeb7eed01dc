"""A surface laid out flat: charts and their places in a texture, by xatlas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...geometry import Mesh
from ...geometry.sampling import triangle_areas

_PADDING = 4  # texels between charts: what bilinear filtering and two halvings of the picture reach across
_FILLED = 0.6  # share of the atlas that charts fill, as a first guess of its size


class UnwrapError(RuntimeError):
    """A surface that could not be laid out; the message says why and what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where each triangle lies in a texture."""

    uv: NDArray[np.float32]  # [U, 2] 0-1, u to the right, v down
    uv_triangles: NDArray[np.int32]  # [T, 3]
    width: int  # texels
    height: int


def unwrap(mesh: Mesh, *, size: int) -> Layout:
    """Charts of the mesh, packed into a texture whose longer edge has `size` texels.

    Raises UnwrapError where xatlas is not installed or the mesh has no area.
    """
    try:
        import xatlas
    except ImportError as error:
        raise UnwrapError("textures need the package xatlas: pip install xatlas") from error
    area = float(triangle_areas(mesh).sum())
    if area <= 0:
        raise UnwrapError("a mesh without area cannot be laid out")
    charts, packing = xatlas.ChartOptions(), xatlas.PackOptions()
    charts.max_iterations = 1  # more take several times as long for a tenth fewer charts
    packing.padding, packing.bilinear = _PADDING, True
    packing.texels_per_unit = size * (_FILLED / area) ** 0.5
    atlas = xatlas.Atlas()
    atlas.add_mesh(mesh.vertices, mesh.triangles.astype(np.uint32))
    atlas.generate(charts, packing)
    if atlas.atlas_count != 1:
        raise UnwrapError(f"xatlas made {atlas.atlas_count} pictures instead of one; take a larger texture")
    _, corners, uv = atlas[0]
    width, height = np.maximum(
        np.rint(size * np.array([atlas.width, atlas.height]) / max(atlas.width, atlas.height)), 1
    )
    return Layout(uv.astype(np.float32), corners.astype(np.int32), int(width), int(height))
