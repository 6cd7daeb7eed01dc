"""Upright mirror planes of an object that agree with what was seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .evidence import UNKNOWN

Float64Array = NDArray[np.float64]
FieldOfPoints = Callable[[Float64Array], Float64Array]  # stand frame -> evidence in metres, positive = free

_CLIP = 0.015  # m, a point farther in free space than this is as wrong as can be
_OFFSETS = 21
# Costs of mirrored points and planes against 1 for a point that is disproved. Set on synthetic tabletop scenes.
_HIDDEN = 0.1  # a point behind the measured surface
_BLIND = 0.3  # a point behind another object or out of the image, where nothing can disprove it
_GROWTH = 0.3  # per visible size by which the object grows across the plane, beyond the free share
_FREE_GROWTH = 0.4


@dataclass(frozen=True, slots=True)
class MirrorPlane:
    """Upright plane normal . xy = offset of the stand frame."""

    angle: float  # rad, of the normal from x
    offset: float  # m
    cost: float
    violation: float  # 0-1, mean clipped intrusion of the mirrored points into free space

    @property
    def normal(self) -> Float64Array:
        return np.array([np.cos(self.angle), np.sin(self.angle)])

    def mirror(self, points: Float64Array) -> Float64Array:
        """Points [N, 3] on the other side."""
        mirrored = np.array(points, np.float64)
        distance = points[:, :2] @ self.normal - self.offset
        mirrored[:, :2] -= 2 * distance[:, None] * self.normal
        return mirrored


def find_mirror_planes(
    points: Float64Array, field: FieldOfPoints, *, angle_step: float
) -> tuple[MirrorPlane, MirrorPlane]:
    """The best pair of upright mirror planes at right angles; `angle_step` in degrees.

    A plane is good where the mirrored points [N, 3] (stand frame) neither stand in observed free space nor claim more
    hidden surface than they must. What a pair costs is the sum over both planes.
    """
    angles = np.radians(np.arange(0.0, 90.0, angle_step))
    best = min((_pair(points, field, a) for a in angles), key=_pair_cost)
    finer = best[0].angle + np.radians(angle_step) * np.array([-0.67, -0.33, 0.33, 0.67])
    return min([best, *(_pair(points, field, a) for a in finer)], key=_pair_cost)


def _pair_cost(pair: tuple[MirrorPlane, MirrorPlane]) -> float:
    return pair[0].cost + pair[1].cost


def _pair(points: Float64Array, field: FieldOfPoints, angle: float) -> tuple[MirrorPlane, MirrorPlane]:
    turned = points[:, :2] @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    size = max(float(np.ptp(np.quantile(turned, [0.02, 0.98], axis=0), axis=0).max()), 1e-6)
    return _best_offset(points, field, angle, size), _best_offset(points, field, angle + np.pi / 2, size)


def _best_offset(points: Float64Array, field: FieldOfPoints, angle: float, size: float) -> MirrorPlane:
    normal = np.array([np.cos(angle), np.sin(angle)])
    along = points[:, :2] @ normal
    low, high = np.quantile(along, [0.02, 0.98])
    beyond = 0.25 * max(size - (high - low), 0.0)
    offsets = np.linspace(low - beyond, high + beyond, _OFFSETS)
    mirrored = np.repeat(points[None], _OFFSETS, axis=0)
    mirrored[..., :2] -= 2 * (along - offsets[:, None])[..., None] * normal
    values = field(mirrored.reshape(-1, 3)).reshape(_OFFSETS, -1)
    violation = (values.clip(0.0, _CLIP) / _CLIP).mean(axis=1)
    hidden = ((-values).clip(0.0, _CLIP) / _CLIP).mean(axis=1)
    blind = (values <= 0.9 * UNKNOWN).mean(axis=1)
    reach = np.maximum(2 * offsets - low, high) - np.minimum(2 * offsets - high, low)
    growth = ((reach - (high - low)) / size - _FREE_GROWTH).clip(0.0)
    cost = violation + _HIDDEN * hidden + _BLIND * blind + _GROWTH * growth
    k = int(np.argmin(cost))
    return MirrorPlane(float(angle), float(offsets[k]), float(cost[k]), float(violation[k]))
