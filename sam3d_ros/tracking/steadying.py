"""What rests stays at rest: measured poses are averaged as long as they differ by no more than their errors.

A Kalman filter of the pose in the reference frame, whose state is a pose error as `Registration` has it. While a
measured pose lies within the errors of what is held and of the measurement, the two are weighed by these. Along an axis
on which it does not, or on which several poses in a row lie to the same side, the object has moved, and what was held
no longer counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3
from ..geometry.lie import so3_exp, so3_log

Array = NDArray[np.float64]

# Variance that a pose gains in a second, m2 and rad2: a thing that is thought to rest is not quite sure to.
_DRIFT = np.array([0.002**2] * 3 + [0.01**2] * 3)
_FAR = 3.0  # standard deviations; farther away along an axis the object has moved
_TREND_SHARE = 0.3  # of the newest error in the mean of the last ones
_TREND = 1.0  # mean of errors in standard deviations; chance gives one of 0.4
_LOST = 10.0  # times the distance moved: the deviation of what was held before a motion


@dataclass(frozen=True, slots=True, eq=False)
class Steadied:
    """A pose T_ref_obj and its covariance [6, 6] in the reference frame, order of PoseWithCovariance."""

    T_ref_obj: SE3
    covariance: Array
    trend: Array = field(default_factory=lambda: np.zeros(6))  # mean of the last errors, in standard deviations

    def after(self, measured: Steadied, seconds: float) -> Steadied:
        """What is held after a pose was measured `seconds` later."""
        error = _difference(self.T_ref_obj, measured.T_ref_obj)
        held = self.covariance + np.diag(_DRIFT * max(seconds, 0.0))
        deviations = error / np.sqrt(np.diag(held + measured.covariance))
        trend = (1 - _TREND_SHARE) * self.trend + _TREND_SHARE * deviations
        moved = (np.abs(deviations) > _FAR) | (np.abs(trend) > _TREND)
        held = held + np.diag(np.where(moved, (_LOST * error) ** 2, 0.0))
        spread = held + measured.covariance
        gain = np.linalg.solve(spread, held).T
        return Steadied(_moved(self.T_ref_obj, gain @ error), _symmetric(held - gain @ held), trend)


def _difference(a: SE3, b: SE3) -> Array:
    """The pose error [6] that leads from a to b."""
    turn = so3_log((b @ a.inverse()).quat_wxyz)
    return np.concatenate([b.translation_xyz - a.translation_xyz, turn])


def _moved(pose: SE3, error: Array) -> SE3:
    turn = SE3(so3_exp(error[3:]), np.zeros(3)).rotation
    return SE3.from_rotation(turn @ pose.rotation, pose.translation_xyz + error[:3])


def _symmetric(matrix: Array) -> Array:
    half: Array = (matrix + matrix.T) / 2
    return half
