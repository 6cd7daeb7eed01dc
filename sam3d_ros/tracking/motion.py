"""How an object moves: constant velocity between frames, as the first guess of where it is in the next one."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3
from ..geometry.lie import so3_exp, so3_log

Array = NDArray[np.float64]

_SHARE = 0.6  # of the newest velocity in the one that is held
_MOVED_M, _TURNED_RAD = 0.003, 0.02  # from frame to frame; less is what measuring alone makes of an object at rest
_SURE = 2.0  # standard deviations
_LONGEST_S = 0.5  # a velocity tells nothing beyond


def _still() -> Array:
    return np.zeros(3)


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Velocity of an object's origin and its turning about it, along the axes of the reference frame."""

    velocity_xyz: Array = field(default_factory=_still)  # m/s
    turning_xyz: Array = field(default_factory=_still)  # rad/s

    def after(self, before: SE3, now: SE3, seconds: float, *, covariance: Array | None = None) -> Motion:
        """What is held of a motion after the pose was measured `seconds` later than before; at rest after too long.

        Steps that noise may have made count as none, so that what rests is expected where it is. So do turns about
        axes of which the pose's covariance [6, 6], reference frame, says little: a ball must not be spun by its noise.
        """
        if not 0 < seconds <= _LONGEST_S:
            return Motion()
        step, turn = now.translation_xyz - before.translation_xyz, so3_log((now @ before.inverse()).quat_wxyz)
        step = step if float(np.linalg.norm(step)) > _MOVED_M else np.zeros(3)
        turn = _known(turn, covariance) if float(np.linalg.norm(turn)) > _TURNED_RAD else np.zeros(3)
        return Motion(
            _SHARE * step / seconds + (1 - _SHARE) * self.velocity_xyz,
            _SHARE * turn / seconds + (1 - _SHARE) * self.turning_xyz,
        )

    def ahead(self, pose: SE3, seconds: float) -> SE3:
        """Where an object at this pose is expected `seconds` later, in the reference frame."""
        if not 0 < seconds <= _LONGEST_S or not (self.velocity_xyz.any() or self.turning_xyz.any()):
            return pose
        turned = SE3(so3_exp(seconds * self.turning_xyz), np.zeros(3)).rotation @ pose.rotation
        return SE3.from_rotation(turned, pose.translation_xyz + seconds * self.velocity_xyz)


def _known(turn: Array, covariance: Array | None) -> Array:
    """The part of a turn [3] along axes about which it exceeds the error of two measurements."""
    if covariance is None:
        return turn
    variances, axes = np.linalg.eigh(covariance[3:, 3:])
    along = axes.T @ turn
    known: Array = axes @ np.where(along * along > 2 * _SURE**2 * variances, along, 0.0)
    return known
