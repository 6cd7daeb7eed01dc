"""Pinhole camera of a rectified image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class PinholeCamera:
    """Intrinsics in pixels; pixel centres lie on whole numbers. Optical frame: x right, y down, z forward."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"camera size must be positive, got {self.width}x{self.height}")
        numbers = (self.fx, self.fy, self.cx, self.cy)
        if not np.isfinite(numbers).all() or self.fx <= 0 or self.fy <= 0:
            raise ValueError(f"camera is not calibrated: fx, fy, cx, cy = {numbers}; run a camera calibration")

    @property
    def matrix(self) -> NDArray[np.float64]:
        """K, [3, 3]."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def project(self, p_cam: ArrayLike) -> NDArray[np.float64]:
        """Pixel coordinates u, v [..., 2] of points [..., 3] in the optical frame; NaN for points not in front."""
        points = np.asarray(p_cam, np.float64)
        z = np.where(points[..., 2] > 1e-9, points[..., 2], np.nan)
        u = self.fx * points[..., 0] / z + self.cx
        v = self.fy * points[..., 1] / z + self.cy
        return np.stack([u, v], axis=-1)

    def rays(self) -> NDArray[np.float64]:
        """Viewing direction x/z, y/z, 1 of each pixel, [H, W, 3]."""
        u, v = np.meshgrid(np.arange(self.width), np.arange(self.height))
        return np.stack([(u - self.cx) / self.fx, (v - self.cy) / self.fy, np.ones_like(u, float)], axis=-1)

    def scaled_to(self, width: int, height: int) -> PinholeCamera:
        """The same view with another number of pixels."""
        sx, sy = width / self.width, height / self.height
        return PinholeCamera(
            width, height, self.fx * sx, self.fy * sy, (self.cx + 0.5) * sx - 0.5, (self.cy + 0.5) * sy - 0.5
        )
