"""Small helpers for rigid transforms [4, 4]."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def pose(rotation: ArrayLike, translation: ArrayLike) -> Array:
    """T [4, 4] of a rotation [3, 3] and a translation [3]."""
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = rotation, translation
    return T


def apply(T: Array, points: ArrayLike) -> Array:
    """Points [N, 3] moved by T."""
    moved: Array = np.asarray(points) @ T[:3, :3].T + T[:3, 3]
    return moved


def dot(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.floating]:
    """Scalar products [N] of vectors [N, 3]."""
    product: NDArray[np.floating] = np.einsum("ni,ni->n", first, second)
    return product


def inverse(T: Array) -> Array:
    """The rigid transform back."""
    return pose(T[:3, :3].T, -T[:3, :3].T @ T[:3, 3])


def about_z(angle: float) -> Array:
    """Rotation [3, 3] about z, radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
