"""One free body of a scene: what a simulator has to know of an object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3, Mesh
from .inertia import Inertial


class SceneError(ValueError):
    """Results that cannot become a scene; the message names the object or file and says what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class SceneBody:
    """An object with its closed mesh, convex or simplified collision parts and inertia, all in its object frame."""

    object_id: int
    mesh: Mesh  # centred: the origin is the centre of its box
    parts: tuple[Mesh, ...]  # for collisions
    inertial: Inertial
    T_cam_obj: SE3  # as it was seen
    T_world_obj: SE3  # as it is placed: seen, then moved by `shift_world`
    shift_world: NDArray[np.float64]  # [3] metres, out of the table and out of other objects

    @property
    def name(self) -> str:
        """Name of links, bodies and files; that of the PLY file and of the TF frame's number."""
        return body_name(self.object_id)

    @property
    def mean_rgb(self) -> NDArray[np.float64]:
        """Mean sRGB colour of the vertices, [3] from 0 to 1, for formats without vertex colours."""
        mean: NDArray[np.float64] = self.mesh.vertex_colors.astype(np.float64).mean(axis=0) / 255.0
        return mean


def body_name(object_id: int) -> str:
    """`object_<id>` with three digits, as `reconstruct` names its files."""
    return f"object_{object_id:03d}"
