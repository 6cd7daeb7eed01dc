"""Light closed shapes that stand for a mesh where planners check for collisions."""

from __future__ import annotations

from enum import Enum

from ..geometry import Mesh
from ..pipeline.finish import finish_shape
from .convex_parts import convex_parts
from .mesh_reduction import convex_hull

_DECOMPOSED = 2000  # triangles; finer detail costs the decomposition time and leaves no trace in its parts


class CollisionForm(Enum):
    """The shape that planners get."""

    HULL = "hull"  # one convex hull: fastest to check, fills hollows
    DECOMPOSITION = "decomposition"  # several convex hulls: keeps hollows; needs the package coacd
    MESH = "mesh"  # the simplified surface itself, closed: slowest to check


def collision_parts(mesh: Mesh, form: CollisionForm, *, max_triangles: int) -> list[Mesh]:
    """The closed shapes of a form, each with at most `max_triangles`; none for a flat mesh, which has no inside."""
    try:
        if form is CollisionForm.MESH:
            return [finish_shape(mesh, triangle_budget=max_triangles)]
        decomposed = form is CollisionForm.DECOMPOSITION
        parts = convex_parts(finish_shape(mesh, triangle_budget=_DECOMPOSED)) if decomposed else [mesh]
    except ValueError:  # it spans no volume
        return []
    hulls = [convex_hull(part, max_triangles) for part in parts]
    return [hull for hull in hulls if hull is not None]
