"""Settings of the geometric backend."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..backend import Detail
from ..gates import Gates
from ..observation import PrepareConfig
from ..support import SUPPORT_DISTANCE


@dataclass(frozen=True, slots=True)
class GeometricConfig:
    """What the classical completion assumes and how finely it works. Lengths in metres, angles in degrees."""

    prepare: PrepareConfig = field(default_factory=PrepareConfig)
    seed: int = 0
    triangle_budget: int = 5000
    cells: int = 48  # of the grid, along the longest edge of the object
    cells_low: int = 28  # the same at Detail.LOW
    min_cell: float = 0.0008
    support_distance: float = SUPPORT_DISTANCE  # a point this near the support plane lies on it
    symmetry_points: int = 250  # on which mirror planes are compared
    symmetry_angle_step: float = 10.0
    max_violation: float = 0.12  # share of mirrored points in observed free space above which a mirror is not believed
    gates: Gates = field(default_factory=Gates)
    directions: int = 36  # of the cross-sections' supporting lines

    def grid_cells(self, detail: Detail) -> int:
        return self.cells if detail is Detail.FULL else self.cells_low
