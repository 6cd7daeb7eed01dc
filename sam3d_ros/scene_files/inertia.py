"""Mass, centre and inertia of a closed mesh of uniform density."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Mesh
from ..pipeline.finish import is_watertight

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Inertial:
    """Mass in kg, centre of mass in the object frame (m), inertia about that centre along the object's axes (kg m2)."""

    mass: float
    centre_obj: Float64Array  # [3]
    inertia_obj: Float64Array  # [3, 3], symmetric

    def upper_triangle(self) -> tuple[float, float, float, float, float, float]:
        """Ixx, Iyy, Izz, Ixy, Ixz, Iyz in kg m2: the order of MJCF's fullinertia."""
        i = self.inertia_obj
        return (float(i[0, 0]), float(i[1, 1]), float(i[2, 2]), float(i[0, 1]), float(i[0, 2]), float(i[1, 2]))


def inertial_of(mesh: Mesh, density: float) -> Inertial:
    """Volume integrals of the solid inside a closed mesh of `density` kg/m3, in the frame of the mesh.

    Raises ValueError for a mesh that is not closed, or whose surface crosses itself so that no body has its inertia.
    """
    if not is_watertight(mesh):
        raise ValueError("its mesh is not closed, so it has no volume")
    from trimesh.triangles import mass_properties  # a second to import

    solid = mass_properties(mesh.vertices.astype(np.float64)[mesh.triangles], density=density)
    inertial = Inertial(float(solid["mass"]), np.asarray(solid["center_mass"]), np.asarray(solid["inertia"]))
    if not is_possible(inertial.inertia_obj):
        raise ValueError("its surface crosses itself: the volume integrals give an inertia that no body can have")
    return inertial


def is_possible(inertia: Float64Array) -> bool:
    """Whether a body can have this inertia [3, 3]: principal moments positive, none above the sum of the others."""
    moments = np.linalg.eigvalsh(inertia)
    return bool(moments[0] > 0 and moments[2] <= moments[0] + moments[1])
