"""The object frame: z up, origin at the box centre, and a yaw that does not depend on chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3, Mesh
from .finish import centre_mesh
from .support import Support

Float64Array = NDArray[np.float64]

_ELONGATED = 1.15  # ratio of the footprint's sides above which the longer one is the x axis
_ROUND = 0.06  # a footprint whose enclosing rectangles differ by less than this has no sides
_TRIM = 0.01  # share of the vertices that may stick out on either side


def to_object_frame(mesh: Mesh, support: Support) -> tuple[Mesh, SE3]:
    """The mesh of the stand frame in its object frame, and `T_cam_obj`.

    The x axis lies along the longer side of the smallest rectangle around the footprint; of its two directions, and of
    the four of a square, the one nearest to the camera's right is taken. A round footprint takes the camera's right.
    """
    yaw = _footprint_yaw(mesh.vertices[:, :2].astype(np.float64))
    c, s = np.cos(yaw), np.sin(yaw)
    T_stand_turned = SE3.from_rotation(np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]), np.zeros(3))
    return centre_mesh(mesh.transformed(T_stand_turned.inverse()), support.T_cam_stand @ T_stand_turned)


def _footprint_yaw(footprint: Float64Array) -> float:
    """Angle of the x axis from the stand frame's x, which is the camera's right, for vertices [V, 2]."""
    angles = np.radians(np.arange(90))
    along = footprint @ np.stack([np.cos(angles), np.sin(angles)])
    across = footprint @ np.stack([-np.sin(angles), np.cos(angles)])
    length, width = (np.ptp(np.quantile(side, [_TRIM, 1 - _TRIM], axis=0), axis=0) for side in (along, across))
    areas = length * width
    if np.ptp(areas) < _ROUND * areas.max():
        return 0.0
    best = int(np.argmin(areas))
    yaw, ratio = float(angles[best]), float(length[best] / max(width[best], 1e-9))
    if ratio > _ELONGATED:
        return _nearest_to_zero(yaw, np.pi)
    if ratio < 1 / _ELONGATED:
        return _nearest_to_zero(yaw + np.pi / 2, np.pi)
    return _nearest_to_zero(yaw, np.pi / 2)


def _nearest_to_zero(angle: float, period: float) -> float:
    return float(angle - period * np.round(angle / period))
