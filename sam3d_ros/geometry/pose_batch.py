"""Many rigid transforms in two arrays: NumPy's cost is per call, so ten poses are moved in the time of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .transforms import SE3

Float64Array = NDArray[np.float64]
# The products of a unit quaternion's numbers and the entries of its rotation matrix depend linearly on each other:
# 4 q q' = _PRODUCTS_CONSTANT + R . _PRODUCTS_OF_ROTATION, row by row. The rows of the table are orthogonal to each
# other and to the constant, and have the square 4, so its transpose leads back.
_PRODUCTS_CONSTANT = np.eye(4).reshape(16)


def _products_of_rotation() -> Float64Array:
    """[9, 16]"""
    table = np.zeros((3, 3, 4, 4))
    for k in range(3):
        table[k, k, 0, 0] = 1.0
        table[k, k, range(1, 4), range(1, 4)] = -1.0
        table[k, k, k + 1, k + 1] = 1.0
        i, j = (k + 1) % 3, (k + 2) % 3
        table[j, i, 0, k + 1] = table[j, i, k + 1, 0] = 1.0
        table[i, j, 0, k + 1] = table[i, j, k + 1, 0] = -1.0
        table[i, j, i + 1, j + 1] = table[i, j, j + 1, i + 1] = 1.0
        table[j, i, i + 1, j + 1] = table[j, i, j + 1, i + 1] = 1.0
    return table.reshape(9, 16)


_PRODUCTS_OF_ROTATION = _products_of_rotation()


def rotations_of(quats_wxyz: Float64Array) -> Float64Array:
    """Rotation matrices [N, 3, 3] of unit quaternions [N, 4]."""
    products = (quats_wxyz[:, :, None] * quats_wxyz[:, None, :]).reshape(-1, 16)
    rotations: Float64Array = (products @ _PRODUCTS_OF_ROTATION.T).reshape(-1, 3, 3)
    return rotations


@dataclass(frozen=True, slots=True, eq=False)
class PoseBatch:
    """Transforms `T_a_b` as rotation matrices and translations in metres; `p_a = rotation @ p_b + translation`."""

    rotation: Float64Array  # [N, 3, 3]
    translation_xyz: Float64Array  # [N, 3]

    @staticmethod
    def of(poses: Sequence[SE3]) -> PoseBatch:
        """The same transforms, which must be at least one, side by side."""
        rotation = rotations_of(np.array([pose.quat_wxyz for pose in poses]))
        return PoseBatch(rotation, np.array([pose.translation_xyz for pose in poses]))

    def __len__(self) -> int:
        return len(self.translation_xyz)

    def __getitem__(self, chosen: slice | NDArray[np.generic]) -> PoseBatch:
        """Some of them."""
        return PoseBatch(self.rotation[chosen], self.translation_xyz[chosen])

    def apply(self, points: Float64Array) -> Float64Array:
        """Map points [N, M, 3], those of each frame b into its frame a."""
        mapped: Float64Array = points @ self.rotation.transpose(0, 2, 1) + self.translation_xyz[:, None]
        return mapped

    def origins(self) -> Float64Array:
        """The origins [N, 3] of the frames a, in the frames b."""
        origins: Float64Array = -(self.translation_xyz[:, None] @ self.rotation)[:, 0]
        return origins

    def seen_from(self, T_c_a: SE3) -> PoseBatch:
        """`T_c_b` for each `T_a_b`."""
        R = T_c_a.rotation
        return PoseBatch(R @ self.rotation, self.translation_xyz @ R.T + T_c_a.translation_xyz)

    def poses(self) -> list[SE3]:
        """The same transforms one by one."""
        return [SE3(quat, xyz) for quat, xyz in zip(self._quats_wxyz(), self.translation_xyz, strict=True)]

    def _quats_wxyz(self) -> Float64Array:
        """Quaternions [N, 4] with w >= 0, not normalised.

        Each row of 4 q q' is a multiple of q; the one with the largest number on the diagonal is the most exact.
        """
        products = (self.rotation.reshape(-1, 9) @ _PRODUCTS_OF_ROTATION + _PRODUCTS_CONSTANT).reshape(-1, 4, 4)
        largest = products[:, range(4), range(4)].argmax(axis=1)
        quats = products[np.arange(len(products)), largest]
        upright: Float64Array = np.where(quats[:, :1] < 0, -quats, quats)
        return upright
