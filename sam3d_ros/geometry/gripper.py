"""A parallel-jaw gripper as a few boxes, and grasps as poses of it.

The frame of a grasp: x along the closing axis, z along the approach, y across both; the origin lies midway between the
fingertips.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .transforms import SE3

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gripper:
    """Sizes of a parallel-jaw gripper in metres: two fingers and a palm, each a box.

    The defaults are of the order of a Robotiq 2F-85, whose stroke they take; a Franka hand opens 0.080 m, with slimmer
    fingers and a wider hand. The jaws come open to the full and close evenly.
    """

    max_width: float = 0.085  # between the pads, open
    finger_thickness: float = 0.012  # along the closing axis
    finger_breadth: float = 0.022  # across it
    finger_length: float = 0.045  # from the tips to the palm
    pad_length: float = 0.022  # the flat part that grasps, from the tips
    palm_width: float = 0.15  # along the closing axis
    palm_breadth: float = 0.075
    palm_length: float = 0.10  # hand, and the way on which it comes, behind the fingers

    def __post_init__(self) -> None:
        sizes = {name: getattr(self, name) for name in self.__slots__}
        if wrong := {name: size for name, size in sizes.items() if not size > 0}:
            raise ValueError(f"sizes of a gripper are positive metres, got {wrong}")
        if self.pad_length > self.finger_length:
            raise ValueError(f"pad_length {self.pad_length} is more than finger_length {self.finger_length}")


@dataclass(frozen=True, slots=True, eq=False)
class Grasps:
    """Parallel-jaw grasps in the frame of the surface that they were found on, metres."""

    tips: Float64Array  # [N, 3] midway between the fingertips
    axes: Float64Array  # [N, 3] unit, along which the jaws close
    approaches: Float64Array  # [N, 3] unit, along which the hand comes; at right angles to the axis
    contacts: Float64Array  # [N, 2, 3] where the pads are expected to touch
    margins: Float64Array  # [N] of the friction cones, see `cone_margins`

    def __len__(self) -> int:
        return len(self.tips)

    @property
    def widths(self) -> Float64Array:
        """Distance [N] between the contacts along the axis."""
        between = self.contacts[:, 1] - self.contacts[:, 0]
        widths: Float64Array = np.abs(np.einsum("nc,nc->n", between, self.axes))
        return widths

    @property
    def rotations(self) -> Float64Array:
        """Rotation matrices [N, 3, 3] from the frame of the grasp to that of the surface; columns x, y, z."""
        return np.stack([self.axes, np.cross(self.approaches, self.axes), self.approaches], axis=2)

    def pose(self, number: int) -> SE3:
        """T_obj_grasp of one grasp, for an object frame in which the surface was given."""
        return SE3.from_rotation(self.rotations[number], self.tips[number])

    def chosen(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> Grasps:
        """Those of a mask [N] or a list of numbers, in its order."""
        parts = (self.tips, self.axes, self.approaches, self.contacts, self.margins)
        return Grasps(*(part[index] for part in parts))
