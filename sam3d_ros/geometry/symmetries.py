"""The poses in which an object looks the same, as the BOP benchmark counts them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .lie import so3_exp
from .transforms import SE3, TransformError

BOP_STEP = 0.01  # of the diameter: the BOP challenge's setting since 2019


@dataclass(frozen=True, slots=True, eq=False)
class SymmetryAxis:
    """An axis in the object frame about which any turn leaves the object as it was."""

    direction: NDArray[np.float64]  # [3], any length
    point: NDArray[np.float64]  # [3] metres, on the axis

    def __post_init__(self) -> None:
        object.__setattr__(self, "direction", np.asarray(self.direction, np.float64))
        object.__setattr__(self, "point", np.asarray(self.point, np.float64))
        if self.direction.shape != (3,) or self.point.shape != (3,) or not np.linalg.norm(self.direction) > 0:
            raise TransformError(f"an axis needs a direction of three numbers and a point, got {self}")

    def turn(self, angle: float) -> SE3:
        """The turn by `angle` radians about this axis, object frame to object frame."""
        unit = self.direction / np.linalg.norm(self.direction)
        rotation = SE3(so3_exp(angle * unit), np.zeros(3))
        return SE3(rotation.quat_wxyz, self.point - rotation.apply(self.point))


def discretised_symmetries(
    turns: Sequence[SE3] = (), axes: Sequence[SymmetryAxis] = (), *, step: float = BOP_STEP
) -> tuple[SE3, ...]:
    """All symmetries of an object, object frame to object frame, the identity first.

    Each turn about an axis is cut so finely that no vertex travels more than `step` diameters from one to the next;
    each of them follows the identity and each of `turns` (Hodan et al., BOP Challenge 2020, ECCV workshops).
    """
    around = [axis.turn(2 * math.pi * number / _count(step)) for axis in axes for number in range(_count(step))]
    standing = (SE3.identity(), *turns)
    return tuple(turn @ still for still in standing for turn in around) if around else standing


def _count(step: float) -> int:
    """A vertex on the rim of the diameter travels pi diameters in a whole turn."""
    if not 0 < step <= 1:
        raise ValueError(f"the step must be a share 0-1 of the diameter, got {step}")
    return math.ceil(math.pi / step)
