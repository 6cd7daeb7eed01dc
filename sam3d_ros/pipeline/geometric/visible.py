"""The visible surface of an object, without what its mask took of the support, in the stand frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from ..observation import Observation
from ..support import Support
from .evidence import Evidence

Float64Array = NDArray[np.float64]

_RIM_PIXELS = 6
_NOISE = 0.0015  # m at 1 m distance, grows with its square
_MAX_POINTS = 4000
_NEIGHBOURS = 9
_LONELY = 3.0  # times the usual distance to the ninth neighbour


def without_support_rim(observation: Observation, support: Support) -> Observation:
    """The observation without the points at the mask's rim that lie on the support.

    The rim is left alone where so much of the object lies that low that it must be flat itself.
    """
    if not support.seen:
        return observation
    height = support.T_cam_stand.inverse().apply(observation.points)[:, 2]
    limit = 0.003 + _NOISE * float(np.median(observation.points[:, 2])) ** 2
    u, v = observation.pixels.T
    inner = ndimage.binary_erosion(
        observation.mask[v.min() : v.max() + 1, u.min() : u.max() + 1], iterations=_RIM_PIXELS
    )
    body = (height > min(limit, 0.3 * float(np.quantile(height, 0.98)))) | inner[v - v.min(), u - u.min()]
    if body.mean() < 0.5:
        return observation
    return replace(
        observation,
        points=observation.points[body],
        colors=observation.colors[body],
        pixels=observation.pixels[body],
        dropped=observation.dropped + int((~body).sum()),
    )


def visible_points(observation: Observation, evidence: Evidence, support: Support) -> Float64Array:
    """Points [N, 3] of the smoothed visible surface in the stand frame, at most 4,000; lonely ones are left out."""
    column, row = (observation.pixels - evidence.corner_uv).T
    depth = evidence.surface[row, column]
    u, v = observation.pixels.T
    camera = evidence.camera
    rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(len(u))], axis=1)
    points = support.T_cam_stand.inverse().apply(rays * depth[:, None])
    points = points[np.linspace(0, len(points) - 1, min(len(points), _MAX_POINTS)).astype(np.int64)]
    spacing = cKDTree(points).query(points, k=min(_NEIGHBOURS, len(points)))[0][:, -1]
    company: Float64Array = points[spacing <= _LONELY * np.median(spacing)]
    return company
