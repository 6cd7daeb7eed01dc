"""The first answer, within milliseconds: the visible points and their footprint on the base, under one hull."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...geometry import SE3, Mesh
from ..finish import convex_hull
from ..object_frame import to_object_frame
from ..observation import Observation
from ..result import Quality, Reconstruction
from ..support import Support

Float64Array = NDArray[np.float64]

_POINTS = 600


def coarse_reconstruction(
    observation: Observation, visible: Float64Array, support: Support, *, bottom: float, latency_ms: dict[str, float]
) -> Reconstruction | None:
    """Hull of the visible points [N, 3] (stand frame) and of their footprint; None where they span no volume."""
    points = visible[:: max(1, len(visible) // _POINTS)]
    footprint = points.copy()
    footprint[:, 2] = bottom
    try:
        vertices, triangles = convex_hull(np.concatenate([points, footprint]))
    except ValueError:
        return None
    color = np.median(observation.colors, axis=0).astype(np.uint8)
    mesh = Mesh(vertices.astype(np.float32), triangles.astype(np.int32), np.tile(color, (len(vertices), 1)))
    mesh, T_cam_obj = to_object_frame(mesh, support)
    return Reconstruction(
        label=observation.label,
        mesh=mesh,
        T_cam_obj=T_cam_obj,
        scale=float(mesh.extents.max()),
        quality=Quality(depth_points=len(observation.points)),
        covariance=coarse_covariance(mesh, T_cam_obj),
        latency_ms=dict(latency_ms),
        coarse=True,
    )


def coarse_covariance(mesh: Mesh, T_cam_obj: SE3) -> Float64Array:
    """Covariance [6, 6] of a pose whose object is known by its visible side only, camera frame.

    The centre may be off by a tenth of the object, the depth of it by a quarter; the directions by about 15 degrees.
    """
    size = float(mesh.extents.max())
    sight = T_cam_obj.translation_xyz / np.linalg.norm(T_cam_obj.translation_xyz)
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = (0.1 * size) ** 2 * np.eye(3) + ((0.25 * size) ** 2 - (0.1 * size) ** 2) * np.outer(
        sight, sight
    )
    covariance[3:, 3:] = np.radians(15.0) ** 2 * np.eye(3)
    return covariance
