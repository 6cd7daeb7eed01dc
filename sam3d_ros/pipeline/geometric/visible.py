"""The smoothed visible surface of an object as points in its stand frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..observation import Observation
from .evidence import Evidence
from .support import Support

Float64Array = NDArray[np.float64]

_RIM_PIXELS = 5.0
_MAX_POINTS = 4000


def visible_points(observation: Observation, evidence: Evidence, support: Support) -> Float64Array:
    """Visible points [N, 3] in the stand frame, at most 4,000, without what the mask took of the support at its rim.

    The rim is left alone where so much of the object lies that low that it must be flat itself.
    """
    column, row = (observation.pixels - evidence.corner_uv).T
    depth = evidence.surface[row, column]
    u, v = observation.pixels.T
    camera = evidence.camera
    rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(len(u))], axis=1)
    points = support.T_cam_stand.inverse().apply(rays * depth[:, None])
    if support.seen:
        low = points[:, 2] < min(0.004, 0.3 * float(np.quantile(points[:, 2], 0.98)))
        body = ~(low & (evidence.outline[row, column] > -_RIM_PIXELS))
        points = points[body] if body.mean() > 0.5 else points
    return points[np.linspace(0, len(points) - 1, min(len(points), _MAX_POINTS)).astype(np.int64)]
