"""Triangle mesh with vertex colours, the one form in which surfaces travel through this package."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .transforms import SE3


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Triangles counter-clockwise seen from outside; metres; colours sRGB."""

    vertices: NDArray[np.float32]  # [V, 3]
    triangles: NDArray[np.int32]  # [T, 3]
    vertex_colors: NDArray[np.uint8]  # [V, 3]
    # Lower and upper corner of the box, [2, 3]: asked for in every frame, and the mesh never changes.
    _bounds: NDArray[np.float32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertices", np.ascontiguousarray(self.vertices, np.float32))
        object.__setattr__(self, "triangles", np.ascontiguousarray(self.triangles, np.int32))
        object.__setattr__(self, "vertex_colors", np.ascontiguousarray(self.vertex_colors, np.uint8))
        _check_rows("vertices", self.vertices, None)
        _check_rows("triangles", self.triangles, None)
        _check_rows("vertex_colors", self.vertex_colors, len(self.vertices))
        object.__setattr__(self, "_bounds", _bounds(self.vertices))
        if not np.isfinite(self._bounds).all():
            raise ValueError("mesh vertices hold NaN or Inf")
        if len(self.triangles) and not 0 <= self.triangles.min() <= self.triangles.max() < len(self.vertices):
            raise ValueError(f"mesh triangles point outside its {len(self.vertices)} vertices")

    @property
    def extents(self) -> NDArray[np.float32]:
        """Size of the axis-aligned box, [3]; zeros for an empty mesh."""
        extents: NDArray[np.float32] = self._bounds[1] - self._bounds[0]
        return extents

    @property
    def box_centre(self) -> NDArray[np.float32]:
        """Centre of the axis-aligned box, [3]; zeros for an empty mesh."""
        centre: NDArray[np.float32] = (self._bounds[0] + self._bounds[1]) / 2
        return centre

    def transformed(self, T_b_a: SE3) -> Mesh:
        """The mesh of frame a in frame b."""
        return Mesh(T_b_a.apply(self.vertices).astype(np.float32), self.triangles, self.vertex_colors)


def _bounds(vertices: NDArray[np.float32]) -> NDArray[np.float32]:
    if not len(vertices):
        return np.zeros((2, 3), np.float32)
    return np.stack([vertices.min(axis=0), vertices.max(axis=0)])


def _check_rows(name: str, array: NDArray[np.generic], rows: int | None) -> None:
    if array.ndim != 2 or array.shape[1] != 3 or (rows is not None and len(array) != rows):
        expected = "any" if rows is None else str(rows)
        raise ValueError(f"mesh {name} must have shape [{expected}, 3], got {list(array.shape)}")
