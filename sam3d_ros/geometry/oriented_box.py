"""Boxes that stand at an angle, and what two of them share."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from .mesh import Mesh
from .transforms import SE3

Float64Array = NDArray[np.float64]

_TOLERANCE = 1e-9  # of the larger box; a corner that lies so near to a face lies on it
_TRIPLES = np.array(list(combinations(range(12), 3)))


@dataclass(frozen=True, slots=True, eq=False)
class OrientedBox:
    """A box around its own origin."""

    T_a_box: SE3
    extents: Float64Array  # [3] metres, edge lengths

    def __post_init__(self) -> None:
        object.__setattr__(self, "extents", np.asarray(self.extents, np.float64))
        if self.extents.shape != (3,) or not (self.extents >= 0).all():
            raise ValueError(f"a box needs three edge lengths of zero or more, got {self.extents}")

    @staticmethod
    def of(mesh: Mesh, T_a_obj: SE3) -> OrientedBox:
        """The box of a mesh along the axes of its object frame, placed in frame a."""
        centre = SE3(np.array([1.0, 0.0, 0.0, 0.0]), mesh.box_centre.astype(np.float64))
        return OrientedBox(T_a_obj @ centre, mesh.extents.astype(np.float64))

    @property
    def volume(self) -> float:
        """Cubic metres."""
        return float(np.prod(self.extents))

    def faces(self) -> tuple[Float64Array, Float64Array]:
        """Outward unit normals [6, 3] and offsets [6] in frame a: inside where normals @ p <= offsets."""
        normals = np.concatenate([self.T_a_box.rotation.T, -self.T_a_box.rotation.T])
        return normals, normals @ self.T_a_box.translation_xyz + np.tile(self.extents / 2, 2)


def box_iou(a: OrientedBox, b: OrientedBox) -> float:
    """Shared volume over joint volume, 0-1, of two boxes in the same frame; exact at any angle.

    The shared part is the convex hull of its corners: the meetings of three faces that lie in both boxes. NaN where
    neither has a volume.
    """
    shared = _shared_volume(a, b)
    joint = a.volume + b.volume - shared
    return shared / joint if joint > 0 else float("nan")


def _shared_volume(a: OrientedBox, b: OrientedBox) -> float:
    corners = _shared_corners(a, b)
    if len(corners) < 4:
        return 0.0
    try:
        return float(ConvexHull(corners).volume)
    except QhullError:  # they touch in a face or an edge
        return 0.0


def _shared_corners(a: OrientedBox, b: OrientedBox) -> Float64Array:
    """Corners [N, 3] of the part that both boxes share, seen from the centre of the first; some more than once."""
    home = SE3(np.array([1.0, 0.0, 0.0, 0.0]), -a.T_a_box.translation_xyz)
    parts = [OrientedBox(home @ box.T_a_box, box.extents).faces() for box in (a, b)]
    normals, offsets = (np.concatenate(items) for items in zip(*parts, strict=True))
    planes, heights = normals[_TRIPLES], offsets[_TRIPLES]
    meet = np.abs(np.linalg.det(planes)) > 1e-6
    corners: Float64Array = np.linalg.solve(planes[meet], heights[meet][..., None])[..., 0]
    slack = _TOLERANCE * max(float(a.extents.max()), float(b.extents.max()))
    shared: Float64Array = corners[(corners @ normals.T <= offsets + slack).all(axis=1)]
    return shared
