"""Points laid rigidly onto a whole surface: for comparing shapes, not for poses from measurements."""

from __future__ import annotations

from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from .lie import so3_exp
from .mesh import Mesh
from .transforms import SE3

Float64Array = NDArray[np.float64]

_STEPS = 60
_FIRST_DAMPING, _LARGEST_DAMPING = 1e-4, 1e4
_SETTLED = 1e-6  # a step that moves no point by more of the cloud's radius ends the search


def align_to_surface(points: Float64Array, mesh: Mesh) -> SE3:
    """The motion, within their common frame, that lays points [N, 3] onto a mesh: point-to-plane ICP.

    Chen and Medioni, Image and Vision Computing 1992, with Levenberg's damping: a step that brings the points no nearer
    is taken back, and a direction that the surface leaves open (the axis of a cup) is left alone. Finds the nearest
    minimum from where the points are.
    """
    centre = points.mean(axis=0)
    radius = max(float(np.linalg.norm(points - centre, axis=1).max()), 1e-9)
    surface = _Surface(mesh, centre, radius)
    motion, damping = SE3.identity(), _FIRST_DAMPING
    moved = (points - centre) / radius
    state = surface.nearest(moved)
    for _ in range(_STEPS):
        step = _step(moved, *state, damping=damping)
        tried = step.apply(moved)
        answer = surface.nearest(tried)
        if _cost(tried, answer[0]) < _cost(moved, state[0]):
            settled = float(np.abs(tried - moved).max()) < _SETTLED
            motion, moved, state, damping = step @ motion, tried, answer, damping / 4
            if settled:
                break
        elif (damping := 8 * damping) > _LARGEST_DAMPING:
            break
    return _in_metres(motion, centre, radius)


class _Surface:
    """A mesh that answers with nearest places, in units of `radius` around `centre`."""

    def __init__(self, mesh: Mesh, centre: Float64Array, radius: float) -> None:
        self._scene: Any = o3d.t.geometry.RaycastingScene()
        vertices = ((mesh.vertices - centre) / radius).astype(np.float32)
        triangles = o3d.core.Tensor.from_numpy(mesh.triangles.astype(np.uint32))
        self._scene.add_triangles(o3d.core.Tensor.from_numpy(vertices), triangles)

    def nearest(self, points: Float64Array) -> tuple[Float64Array, Float64Array]:
        """The nearest place of the surface [N, 3] and the normal there [N, 3], for points [N, 3]."""
        answer = self._scene.compute_closest_points(o3d.core.Tensor.from_numpy(points.astype(np.float32)))
        places, normals = (answer[name].numpy().astype(np.float64) for name in ("points", "primitive_normals"))
        return places, normals


def _step(points: Float64Array, places: Float64Array, normals: Float64Array, *, damping: float) -> SE3:
    """One damped Gauss-Newton step on the distances along the normals."""
    rows = np.concatenate([np.cross(points, normals), normals], axis=1)
    residuals = np.einsum("nc,nc->n", points - places, normals)
    system = rows.T @ rows / len(rows) + damping * np.eye(6)
    twist = np.linalg.solve(system, -rows.T @ residuals / len(rows))
    return SE3(so3_exp(twist[:3]), twist[3:])


def _cost(points: Float64Array, places: Float64Array) -> float:
    return float(np.mean(np.sum((points - places) ** 2, axis=1)))


def _in_metres(motion: SE3, centre: Float64Array, radius: float) -> SE3:
    """A motion in units of `radius` around `centre` as one of the frame that both live in."""
    return SE3(motion.quat_wxyz, radius * motion.translation_xyz + centre - motion.rotation @ centre)
