"""The world of a scene: z up, the support plane at z = 0, told by the objects themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..geometry import SE3, Mesh

Float64Array = NDArray[np.float64]

STANDING = 0.015  # m, objects that end this near the support plane stand on it
_AGREEING = np.cos(np.radians(10.0))  # axes farther from the most central one have no say


def common_up(axes: Float64Array) -> Float64Array:
    """The upward direction on which unit z axes [N, 3] of objects agree, in their frame.

    The axis with the least sum of angles to all others, then the mean of those within 10 degrees of it: one object
    that was laid down by mistake changes nothing.
    """
    cosines = np.clip(axes @ axes.T, -1.0, 1.0)
    central = int(np.arccos(cosines).sum(axis=1).argmin())
    mean = axes[cosines[central] >= _AGREEING].mean(axis=0)
    up: Float64Array = mean / np.linalg.norm(mean)
    return up


def support_height(bottoms: Float64Array) -> float:
    """Height of the support plane from the lowest heights [N] of objects, metres along up.

    The median of the lowest points that lie within 15 mm of each other, of the largest such group; of two equal ones
    the lower. What stands on other objects is another, higher group.
    """
    lowest = np.sort(bottoms)
    counts = np.searchsorted(lowest, lowest + STANDING, side="right") - np.arange(len(lowest))
    first = int(counts.argmax())
    return float(np.median(lowest[first : first + counts[first]]))


def find_world(meshes_cam: Sequence[Mesh], axes: Float64Array, up: ArrayLike | None = None) -> SE3:
    """T_world_cam from the objects' meshes and z axes [N, 3] in the camera frame, and `up` there where it is known.

    The world's z is up, its x the camera's right along the plane, its origin on the plane below the objects' middle.
    """
    z = common_up(axes) if up is None else np.asarray(up, np.float64) / np.linalg.norm(up)
    height = support_height(np.array([(mesh.vertices @ z).min() for mesh in meshes_cam]))
    middle = np.mean([mesh.box_centre for mesh in meshes_cam], axis=0)
    T_cam_world = SE3.from_rotation(_axes_with(z), middle + (height - middle @ z) * z)
    return T_cam_world.inverse()


def _axes_with(z: Float64Array) -> Float64Array:
    """Rotation [3, 3] with the given third column, whose first one is nearest to the camera's right."""
    x = np.array([1.0, 0.0, 0.0]) - z[0] * z
    if np.linalg.norm(x) < 1e-3:
        x = np.array([0.0, 0.0, 1.0]) - z[2] * z
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1)
