"""Rigid and similarity transforms whose field names say their order.

`T_a_b` maps points given in frame b into frame a, so `T_a_c = T_a_b @ T_b_c` and `p_a = T_a_b.apply(p_b)`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64Array = NDArray[np.float64]

_CONJUGATE = np.array([1.0, -1.0, -1.0, -1.0])


class TransformError(ValueError):
    """A matrix or quaternion that is no rotation, or a scale that is not positive."""


def quat_wxyz_to_rotation(quat_wxyz: ArrayLike) -> Float64Array:
    """Rotation matrix [3, 3] of the unit quaternion w, x, y, z; normalised first."""
    return _rotation_of_unit(_unit_quat(quat_wxyz))


def _rotation_of_unit(quat_wxyz: Float64Array) -> Float64Array:
    w, x, y, z = quat_wxyz.tolist()  # Python's floats: NumPy's scalars take several times as long
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def rotation_to_quat_wxyz(rotation: ArrayLike) -> Float64Array:
    """Unit quaternion w, x, y, z with w >= 0 of a rotation matrix [3, 3].

    Shepperd's method (Journal of Guidance and Control 1978): the largest of the four squares is divided by, so that
    no angle is ill-conditioned. Raises TransformError where the matrix is not orthonormal with determinant +1.
    """
    r = _checked_rotation(rotation)
    trace = np.trace(r)
    squares = np.array([trace, r[0, 0], r[1, 1], r[2, 2]])
    pivot = int(np.argmax(squares))
    if pivot == 0:
        quat = np.array([1 + trace, r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    else:
        i, j, k = pivot - 1, pivot % 3, (pivot + 1) % 3
        quat = np.empty(4)
        quat[0] = r[k, j] - r[j, k]
        quat[1 + i] = 1 + 2 * r[i, i] - trace
        quat[1 + j] = r[j, i] + r[i, j]
        quat[1 + k] = r[k, i] + r[i, k]
    quat /= np.linalg.norm(quat)
    return quat if quat[0] >= 0 else -quat


@dataclass(frozen=True, slots=True, eq=False)
class SE3:
    """Rigid transform: rotation as unit quaternion w, x, y, z and translation x, y, z in metres."""

    quat_wxyz: Float64Array  # [4]
    translation_xyz: Float64Array  # [3]

    def __post_init__(self) -> None:
        object.__setattr__(self, "quat_wxyz", _unit_quat(self.quat_wxyz))
        object.__setattr__(self, "translation_xyz", _vector3(self.translation_xyz, "translation"))

    @staticmethod
    def identity() -> SE3:
        return SE3(np.array([1.0, 0.0, 0.0, 0.0]), np.zeros(3))

    @staticmethod
    def from_matrix(matrix: ArrayLike) -> SE3:
        """From a column-vector matrix [4, 4]; raises TransformError where it is not rigid."""
        m = _matrix4(matrix)
        return SE3(rotation_to_quat_wxyz(m[:3, :3]), m[:3, 3])

    @staticmethod
    def from_rotation(rotation: ArrayLike, translation_xyz: ArrayLike) -> SE3:
        """From a rotation matrix [3, 3] and a translation [3]."""
        return SE3(rotation_to_quat_wxyz(rotation), np.asarray(translation_xyz, np.float64))

    @property
    def rotation(self) -> Float64Array:
        """Rotation matrix [3, 3]."""
        return _rotation_of_unit(self.quat_wxyz)

    @property
    def quat_xyzw(self) -> Float64Array:
        """The rotation in the order of geometry_msgs: x, y, z, w."""
        return self.quat_wxyz[[1, 2, 3, 0]]

    def as_matrix(self) -> Float64Array:
        """Column-vector matrix [4, 4]."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation
        matrix[:3, 3] = self.translation_xyz
        return matrix

    def inverse(self) -> SE3:
        quat = self.quat_wxyz * _CONJUGATE
        return SE3(quat, -(_rotation_of_unit(quat) @ self.translation_xyz))

    def __matmul__(self, other: SE3) -> SE3:
        quat = _quat_product(self.quat_wxyz, other.quat_wxyz)
        return SE3(quat, self.apply(other.translation_xyz))

    def apply(self, points: ArrayLike) -> Float64Array:
        """Map points [..., 3] into the target frame."""
        mapped: Float64Array = np.asarray(points, np.float64) @ self.rotation.T + self.translation_xyz
        return mapped


@dataclass(frozen=True, slots=True, eq=False)
class Sim3:
    """Similarity transform: x -> scale * R x + t; the scale is applied before rotation and translation."""

    quat_wxyz: Float64Array  # [4]
    translation_xyz: Float64Array  # [3]
    scale: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "quat_wxyz", _unit_quat(self.quat_wxyz))
        object.__setattr__(self, "translation_xyz", _vector3(self.translation_xyz, "translation"))
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise TransformError(f"scale must be a positive number, got {self.scale}")

    @staticmethod
    def from_se3(transform: SE3, scale: float = 1.0) -> Sim3:
        return Sim3(transform.quat_wxyz, transform.translation_xyz, scale)

    @staticmethod
    def from_matrix(matrix: ArrayLike) -> Sim3:
        """From a column-vector matrix [4, 4] whose upper block is scale times rotation."""
        m = _matrix4(matrix)
        determinant = np.linalg.det(m[:3, :3])
        if determinant <= 0:
            raise TransformError(f"a similarity has a positive determinant, got {determinant:.3g} (mirrored axes?)")
        scale = float(np.cbrt(determinant))
        return Sim3(rotation_to_quat_wxyz(m[:3, :3] / scale), m[:3, 3], scale)

    @property
    def rotation(self) -> Float64Array:
        """Rotation matrix [3, 3]."""
        return _rotation_of_unit(self.quat_wxyz)

    def as_matrix(self) -> Float64Array:
        """Column-vector matrix [4, 4]."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.scale * self.rotation
        matrix[:3, 3] = self.translation_xyz
        return matrix

    def without_scale(self) -> SE3:
        return SE3(self.quat_wxyz, self.translation_xyz)

    def inverse(self) -> Sim3:
        quat = self.quat_wxyz * np.array([1.0, -1.0, -1.0, -1.0])
        return Sim3(quat, -(_rotation_of_unit(quat) @ self.translation_xyz) / self.scale, 1.0 / self.scale)

    def __matmul__(self, other: Sim3) -> Sim3:
        quat = _quat_product(self.quat_wxyz, other.quat_wxyz)
        return Sim3(quat, self.apply(other.translation_xyz), self.scale * other.scale)

    def apply(self, points: ArrayLike) -> Float64Array:
        """Map points [..., 3] into the target frame."""
        mapped: Float64Array = self.scale * (np.asarray(points, np.float64) @ self.rotation.T) + self.translation_xyz
        return mapped


def _unit_quat(quat_wxyz: ArrayLike) -> Float64Array:
    quat = np.array(quat_wxyz, np.float64)
    norm = math.sqrt(float(np.vdot(quat, quat)))
    if quat.shape != (4,) or not math.isfinite(norm) or norm < 1e-9:
        raise TransformError(f"a quaternion needs four finite numbers that are not all zero, got {quat_wxyz!r}")
    unit: Float64Array = quat / norm
    return unit


def _vector3(vector: ArrayLike, name: str) -> Float64Array:
    array = np.array(vector, np.float64)
    if array.shape != (3,) or not all(map(math.isfinite, array.tolist())):
        raise TransformError(f"{name} needs three finite numbers, got {vector!r}")
    return array


def _matrix4(matrix: ArrayLike) -> Float64Array:
    m = np.asarray(matrix, np.float64)
    if m.shape != (4, 4):
        raise TransformError(f"a transform is a 4x4 matrix, got shape {m.shape}")
    if not np.allclose(m[3], [0, 0, 0, 1], atol=1e-6):
        raise TransformError(f"last row is {m[3].tolist()}, not 0 0 0 1: is this a row-vector matrix? transpose it")
    return m


def _checked_rotation(rotation: ArrayLike) -> Float64Array:
    r = np.asarray(rotation, np.float64)
    if r.shape != (3, 3) or not np.allclose(r @ r.T, np.eye(3), atol=1e-4) or np.linalg.det(r) < 0:
        raise TransformError(f"not a rotation matrix (orthonormal, determinant +1): {r.tolist()}")
    return r


def _quat_product(a: Float64Array, b: Float64Array) -> Float64Array:
    (aw, ax, ay, az), (bw, bx, by, bz) = a.tolist(), b.tolist()
    return np.array(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ]
    )
