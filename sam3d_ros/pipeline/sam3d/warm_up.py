"""A first object of no meaning, so that the first real one does not wait for libraries that start slowly."""

from __future__ import annotations

import numpy as np

from ...geometry import PinholeCamera
from ..frame import Frame

LABEL = 1


def bump_frame(width: int = 160, height: int = 120) -> Frame:
    """A round bump, label 1, on a wall 0.8 m away."""
    camera = PinholeCamera(width, height, width, width, width / 2, height / 2)
    v, u = np.indices((height, width))
    square = ((u - width / 2) ** 2 + (v - height / 2) ** 2) / (height / 4) ** 2
    depth = np.where(square < 1, 0.7 - 0.1 * np.sqrt(np.maximum(0, 1 - square)), 0.8)
    pointmap = (camera.rays() * depth[..., None]).astype(np.float32)
    color = np.full((height, width, 3), 128, np.uint8)
    return Frame(color, pointmap, np.where(square < 1, LABEL, 0).astype(np.int32), camera)
