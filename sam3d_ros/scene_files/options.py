"""How objects become bodies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .collision import CollisionForm


@dataclass(frozen=True, slots=True, eq=False)
class SceneOptions:
    """How objects become bodies; `up_cam` is the upward direction in the camera frame, None: ask the objects."""

    form: CollisionForm = CollisionForm.HULL
    max_triangles: int = 200  # of each collision part
    density: float = 500.0  # kg/m3
    up_cam: NDArray[np.float64] | None = None  # [3], of any length
    stance: float = 0.005  # m, undersides are flat within this of what they stand on
