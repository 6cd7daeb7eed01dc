"""Collision shapes of an object: one hull, several, or its simplified surface."""

from __future__ import annotations

from enum import Enum

from ..geometry import Mesh
from ..messages.convex_parts import convex_parts
from ..messages.mesh_reduction import convex_hull
from ..pipeline.finish import finish_shape

_DECOMPOSED = 2000  # triangles; finer detail costs the decomposition time and leaves no trace in its parts


class CollisionForm(Enum):
    """What simulators and planners collide with."""

    HULL = "hull"  # one convex hull: always works, fills hollows
    CONVEX = "convex"  # several convex parts that keep hollows; needs the package coacd
    MESH = "mesh"  # the closed surface with fewer triangles; MuJoCo takes its hull


def collision_parts(mesh: Mesh, form: CollisionForm) -> tuple[Mesh, ...]:
    """Closed shapes in the frame of the mesh, in all detail: `thinned` follows once it is known where they stand.

    Raises DecompositionUnavailableError where convex parts need a package that is not installed, and ValueError for a
    mesh without volume.
    """
    if form is CollisionForm.MESH:
        return (mesh,)
    convex = form is CollisionForm.CONVEX
    parts = convex_parts(finish_shape(mesh, triangle_budget=_DECOMPOSED)) if convex else [mesh]
    hulls = [whole_hull(part) for part in parts]
    solid = tuple(hull for hull in hulls if hull is not None)
    if not solid:
        raise ValueError("its mesh is flat, so it has no hull")
    return solid


def whole_hull(mesh: Mesh) -> Mesh | None:
    """Closed convex hull with all of its corners; None where the mesh is flat."""
    return convex_hull(mesh, 2 * len(mesh.vertices))


def thinned(part: Mesh, form: CollisionForm, *, max_triangles: int) -> Mesh:
    """A collision part of a form with at most `max_triangles`: closed, and convex where the form is."""
    if form is CollisionForm.MESH:
        return finish_shape(part, triangle_budget=max_triangles)
    return convex_hull(part, max_triangles) or part
