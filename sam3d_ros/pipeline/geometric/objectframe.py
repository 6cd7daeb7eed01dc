"""The object frame: z up, origin at the box centre, and a yaw that does not depend on chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...geometry import SE3, Mesh
from ..finish import centre_mesh
from .support import Support

Float64Array = NDArray[np.float64]

_ELONGATED = 0.15  # difference of the footprint's principal variances, share of their sum, that settles the yaw


def to_object_frame(mesh: Mesh, support: Support, *, face_yaw: float) -> tuple[Mesh, SE3]:
    """The mesh of the stand frame in its object frame, and `T_cam_obj`.

    The x axis lies along the footprint's longer principal axis. A footprint that has none (round, square) takes the
    direction of a face or mirror plane. Of the directions that remain, the one nearest to the camera's right is taken.
    """
    yaw = _principal_yaw(mesh, face_yaw)
    c, s = np.cos(yaw), np.sin(yaw)
    T_stand_turned = SE3.from_rotation(np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]), np.zeros(3))
    return centre_mesh(mesh.transformed(T_stand_turned.inverse()), support.T_cam_stand @ T_stand_turned)


def _principal_yaw(mesh: Mesh, face_yaw: float) -> float:
    """Angle of the x axis from the stand frame's x, which is the camera's right."""
    a, b, c = (mesh.vertices[mesh.triangles[:, i]].astype(np.float64) for i in range(3))
    weights = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    middles = ((a + b + c) / 3)[:, :2]
    centred = middles - np.average(middles, axis=0, weights=weights)
    covariance = (centred * weights[:, None]).T @ centred / weights.sum()
    small, large = np.linalg.eigvalsh(covariance)
    if large - small < _ELONGATED * (large + small):
        return _nearest_to_zero(face_yaw, np.pi / 2)
    axis = np.linalg.eigh(covariance)[1][:, 1]
    return _nearest_to_zero(float(np.arctan2(axis[1], axis[0])), np.pi)


def _nearest_to_zero(angle: float, period: float) -> float:
    return float(angle - period * np.round(angle / period))
