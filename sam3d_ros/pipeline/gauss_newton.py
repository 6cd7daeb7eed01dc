"""One Gauss-Newton step of robust point-to-plane ICP, for many objects side by side.

The pose is disturbed as (t + dt, R exp(dr)) in the object frame: a point x = R'(p - t) moves by -dt - dr x x, so the
point-to-plane distance n.(x - q) has the derivative -[n, x x n]. Dividing the lever x by the object's radius gives all
six numbers the unit metre. (Chen and Medioni 1992; Low 2004 for the linearised step.) Depth says nothing of a motion
along a flat side, so the middle of the mask takes part: how far it lies beside the middle of the mesh, in the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry.pose_batch import rotations_of
from .point_matching import Match

Array = NDArray[np.float64]

_MASK_WEIGHT = 0.05  # of the number of points: where depth speaks, it speaks louder
_DAMPING = 1e-3 * np.eye(6)  # of the number of points; directions with less leverage keep the first pose


@dataclass(slots=True, eq=False)
class Moving:
    """Objects that are moved together; their poses change from step to step."""

    p: Array  # [O, 3, P] depth points, camera frame
    R: Array  # [O, 3, 3] of T_cam_obj
    t: Array  # [O, 3]
    radius: Array  # [O] of the surfaces
    goal_xy: Array  # [O, 2] where the mask wants the origin, camera frame
    trust: Array  # [O] in the mask

    def part(self, going: NDArray[np.bool_]) -> Moving:
        """Some of the objects."""
        whole = (self.p, self.R, self.t, self.radius, self.goal_xy, self.trust)
        return Moving(*(array[going] for array in whole))

    def in_objects(self) -> Array:
        """The points [O, 3, P] in the frames of their objects."""
        x: Array = self.R.transpose(0, 2, 1) @ (self.p - self.t[:, :, None])
        return x

    def move(self, step: Array) -> None:
        """Apply a step [O, 6] of `solve`."""
        self.t = self.t + (self.R @ step[:, :3, None])[..., 0]
        self.R = self.R @ _rotations_of(step[:, 3:] / self.radius[:, None])


def biweights(match: Match, reach: Array) -> Array:
    """Tukey's weights [O, P] of the distances: 1 on the surface, 0 from `reach` [O] on."""
    share = match.distances / reach[:, None]
    weights: Array = np.maximum(1 - share * share, 0.0)
    weights *= weights
    return weights


def jacobian(match: Match, radius: Array) -> Array:
    """Derivative [O, 6, P] of the distance along the normal; rotations in radians times the radius."""
    x, n = match.x / radius[:, None, None], match.n
    J = np.empty((len(x), 6, x.shape[2]))
    J[:, :3] = n
    J[:, 3] = x[:, 1] * n[:, 2] - x[:, 2] * n[:, 1]
    J[:, 4] = x[:, 2] * n[:, 0] - x[:, 0] * n[:, 2]
    J[:, 5] = x[:, 0] * n[:, 1] - x[:, 1] * n[:, 0]
    return J


def solve(moving: Moving, match: Match, weights: Array, J: Array) -> Array:
    """Disturbance [O, 6] of the object frames, metres, that reduces the weighted distances most."""
    points = weights.shape[1]
    weighted = J * weights[:, None]
    H = weighted @ J.transpose(0, 2, 1) + points * _DAMPING
    b = weighted @ match.residuals[..., None]
    across = moving.R[:, :2]  # the camera's x and y in the object frame, [O, 2, 3]
    pull = (_MASK_WEIGHT * points * moving.trust)[:, None, None] * across.transpose(0, 2, 1)
    H[:, :3, :3] += pull @ across
    b[:, :3] += pull @ (moving.goal_xy - moving.t[:, :2])[..., None]
    step: Array = np.linalg.solve(H, b)[..., 0]
    return step


def change_of(J: Array, step: Array) -> Array:
    """By how much a step [O, 6] lowers the distances along the normals, [O, P]."""
    change: Array = (step[:, None] @ J)[:, 0]
    return change


def _rotations_of(vectors: Array) -> Array:
    """Rotation matrices [O, 3, 3] of rotation vectors [O, 3], by way of their quaternions."""
    half = np.sqrt(np.maximum(np.einsum("oi,oi->o", vectors, vectors), 1e-24)) / 2
    quats_wxyz = np.empty((len(vectors), 4))
    quats_wxyz[:, 0] = np.cos(half)
    quats_wxyz[:, 1:] = vectors * (np.sin(half) / (2 * half))[:, None]
    return rotations_of(quats_wxyz)
