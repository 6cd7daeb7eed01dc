"""One whole surface laid rigidly onto another: for comparing shapes, not for poses from measurements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from .lie import so3_exp
from .mesh import Mesh
from .sampling import sample_surface
from .transforms import SE3

Float64Array = NDArray[np.float64]

_SAMPLES = 3_000  # points on each surface
_STEPS = 60
_LEAST_DAMPING, _LARGEST_DAMPING = 1e-3, 1e4
_WORTH = 1e-3  # relative; a step that lessens the squared distance by less ends the search


def align_surfaces(moving: Mesh, fixed: Mesh) -> SE3:
    """The motion, within their common frame, that lays one mesh onto another: point-to-plane ICP in both directions.

    Points of each surface look for the nearest place of the other: in one direction alone, a cup turns away from the
    handle that it should cover. Chen and Medioni, Image and Vision Computing 1992, with Levenberg's damping: a step
    that brings the surfaces no nearer is taken back, and a turn that they hardly show is left alone. Finds the nearest
    minimum from where they are.
    """
    centre = moving.box_centre.astype(np.float64)
    radius = max(float(np.linalg.norm(moving.extents)) / 2, 1e-9)
    a, b = (_Surface.of(mesh, centre, radius) for mesh in (moving, fixed))
    motion, damping = SE3.identity(), _LEAST_DAMPING
    pairs = _Pairs.of(a, b, motion)
    for _ in range(_STEPS):
        step = pairs.step(damping)
        tried = _Pairs.of(a, b, step @ motion)
        if tried.cost < pairs.cost:
            worth = pairs.cost - tried.cost > _WORTH * pairs.cost
            motion, pairs, damping = step @ motion, tried, max(damping / 4, _LEAST_DAMPING)
            if not worth:
                break
        elif (damping := 8 * damping) > _LARGEST_DAMPING:
            break
    return SE3(motion.quat_wxyz, radius * motion.translation_xyz + centre - motion.rotation @ centre)


@dataclass(frozen=True, slots=True, eq=False)
class _Surface:
    """A mesh that answers with nearest places, in units of a radius around a centre."""

    scene: Any
    points: Float64Array  # [N, 3] spread over it

    @staticmethod
    def of(mesh: Mesh, centre: Float64Array, radius: float) -> _Surface:
        scene: Any = o3d.t.geometry.RaycastingScene()
        vertices = ((mesh.vertices - centre) / radius).astype(np.float32)
        triangles = o3d.core.Tensor.from_numpy(mesh.triangles.astype(np.uint32))
        scene.add_triangles(o3d.core.Tensor.from_numpy(vertices), triangles)
        return _Surface(scene, (sample_surface(mesh, _SAMPLES, seed=2).points - centre) / radius)

    def nearest(self, points: Float64Array) -> tuple[Float64Array, Float64Array]:
        """The nearest place of the surface [N, 3] and the normal there [N, 3], for points [N, 3].

        The normal is zero on a triangle without area, so that a pair there has no say.
        """
        answer = self.scene.compute_closest_points(o3d.core.Tensor.from_numpy(points.astype(np.float32)))
        places, normals = (answer[name].numpy().astype(np.float64) for name in ("points", "primitive_normals"))
        return places, np.nan_to_num(normals)


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Places of the moving surface where it is now, and those of the fixed one that they belong to."""

    moving: Float64Array  # [N, 3]
    fixed: Float64Array  # [N, 3]
    normals: Float64Array  # [N, 3]

    @staticmethod
    def of(a: _Surface, b: _Surface, motion: SE3) -> _Pairs:
        """Pairs of both directions, with the first surface moved."""
        moved = motion.apply(a.points)
        places_b, normals_b = b.nearest(moved)
        places_a, normals_a = a.nearest(motion.inverse().apply(b.points))
        return _Pairs(
            moving=np.concatenate([moved, motion.apply(places_a)]),
            fixed=np.concatenate([places_b, b.points]),
            normals=np.concatenate([normals_b, normals_a @ motion.rotation.T]),
        )

    @property
    def cost(self) -> float:
        """Mean squared distance."""
        return float(np.mean(np.sum((self.moving - self.fixed) ** 2, axis=1)))

    def step(self, damping: float) -> SE3:
        """One damped Gauss-Newton step on the distances along the normals."""
        rows = np.concatenate([np.cross(self.moving, self.normals), self.normals], axis=1)
        residuals = np.einsum("nc,nc->n", self.moving - self.fixed, self.normals)
        system = rows.T @ rows / len(rows) + damping * np.eye(6)
        twist = np.linalg.solve(system, -rows.T @ residuals / len(rows))
        return SE3(so3_exp(twist[:3]), twist[3:])
