"""Path of a hand-held camera that walks around the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...geometry import SE3
from .surface import Array


@dataclass(frozen=True, slots=True)
class CameraPath:
    """An arc about `target` in the world, looked at all the time, with the sway and tremor of a hand.

    Times run from 0 to 1 over the whole path. Angles in degrees, lengths in metres.
    """

    target: tuple[float, float, float] = (0.0, 0.0, 0.04)
    distance: float = 0.80
    elevation: float = 38.0
    azimuth: tuple[float, float] = (-32.0, 24.0)  # from the -y direction, positive towards +x
    sway: float = 0.02  # slow wander of the camera
    tremor: float = 0.002  # fast shake of the camera
    seed: int = 0

    def pose(self, time: float) -> SE3:
        """T_world_cam, optical frame (z forward, y down), at this share of the path."""
        eased = 0.5 - 0.5 * np.cos(np.pi * time)
        azimuth = np.radians(self.azimuth[0] + eased * (self.azimuth[1] - self.azimuth[0]))
        elevation = np.radians(self.elevation)
        away = np.array([np.sin(azimuth), -np.cos(azimuth), np.tan(elevation)]) * np.cos(elevation)
        eye = np.asarray(self.target) + self.distance * away
        eye = eye + self._wander(time, self.sway, 1.3, 0) + self._wander(time, self.tremor, 9.0, 1)
        aim = np.asarray(self.target) + self._wander(time, 0.5 * self.sway, 1.7, 2)
        return look_at(eye, aim + self._wander(time, self.tremor, 11.0, 3))

    def _wander(self, time: float, size: float, cycles: float, stream: int) -> Array:
        """Smooth random offset [3]: two sines per axis with phases of the seed."""
        rng = np.random.default_rng((self.seed, stream))
        phase, speed = rng.uniform(0, 2 * np.pi, (2, 3)), rng.uniform(0.8, 1.2, (2, 3)) * [[1], [1.9]]
        waves = np.sin(2 * np.pi * cycles * speed * time + phase)
        offset: Array = size * (0.7 * waves[0] + 0.3 * waves[1])
        return offset


def look_at(eye: ArrayLike, target: ArrayLike) -> SE3:
    """T_world_cam of an optical frame at `eye` that looks at `target`, image upright against world z."""
    position = np.asarray(eye, float)
    forward = np.asarray(target, float) - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return SE3.from_rotation(np.stack([right, np.cross(forward, right), forward], axis=1), position)
