"""From a frame to what the page needs of it: a thin cloud and a small picture."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..geometry import SE3
from ..pipeline import Frame
from .shown import CameraView, SceneCloud

POINT_BUDGET = 60_000
PICTURE_WIDTH = 320


def camera_view(frame: Frame, T_ref_cam: SE3, *, point_budget: int = POINT_BUDGET) -> CameraView:
    """Picture and cloud of a frame; the cloud has at most `point_budget` points."""
    return CameraView(frame.camera, T_ref_cam, _small(frame.color), scene_cloud(frame, point_budget=point_budget))


def scene_cloud(frame: Frame, *, point_budget: int) -> SceneCloud | None:
    """The measured points of every n-th row and column, n as small as the budget allows; None without depth."""
    step = _step(frame.pointmap, point_budget)
    points = frame.pointmap[::step, ::step].reshape(-1, 3)
    measured = np.isfinite(points[:, 2])
    if not measured.any():
        return None
    points, colors = points[measured], frame.color[::step, ::step].reshape(-1, 3)[measured]
    labels = frame.labels[::step, ::step].reshape(-1)[measured]
    centre = np.median(points, axis=0).astype(np.float64)
    spacing = step * float(centre[2]) / frame.camera.fx
    return SceneCloud(centre, (points - centre).astype(np.float16), colors, labels, spacing)


def _step(pointmap: NDArray[np.float32], point_budget: int) -> int:
    """The smallest step at which no more points are left than the budget has."""
    measured = np.isfinite(pointmap[..., 2])
    step = max(1, math.isqrt(int(measured.sum()) // point_budget))
    while int(measured[::step, ::step].sum()) > point_budget:
        step += 1
    return step


def _small(color: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = color.shape[:2]
    if width <= PICTURE_WIDTH:
        return color
    size = (PICTURE_WIDTH, max(1, round(height * PICTURE_WIDTH / width)))
    return np.asarray(Image.fromarray(color).resize(size, Image.Resampling.BOX))
