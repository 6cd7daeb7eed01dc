"""Colours on a surface finer than its triangles: a hash of small voxels, with a coarser one for what it misses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..synthetic.surface import Array

CELLS = (120, 40)  # voxels along the largest extent, fine and coarse
SIDE = 256  # keys are x, y, z in base SIDE


@dataclass(frozen=True, slots=True, eq=False)
class ColourVoxels:
    """Mean colours of the voxels that the surface crosses, in two sizes. Frame: the object's."""

    origin: NDArray[np.float32]  # [3]
    size: float  # m, largest extent
    keys: tuple[NDArray[np.int32], ...]  # sorted, fine and coarse
    colors: tuple[NDArray[np.uint8], ...]  # [K, 3] each, sRGB

    @classmethod
    def of(cls, points: Array, colors: Array) -> ColourVoxels:
        """From dense surface points [S, 3] and their colours [S, 3], 0-1."""
        origin, size = points.min(axis=0).astype(np.float32), float(np.ptp(points, axis=0).max())
        levels = [_mean_colors(_keys(points, origin, size / cells), colors) for cells in CELLS]
        return cls(origin, size, tuple(keys for keys, _ in levels), tuple(found for _, found in levels))

    def at(self, points: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Colours [N, 3] of points on the surface."""
        result = np.empty((len(points), 3), np.uint8)
        open_ = np.arange(len(points))
        for level, cells in enumerate(CELLS):
            keys = _keys(points[open_], self.origin, self.size / cells)
            slot = np.minimum(np.searchsorted(self.keys[level], keys), len(self.keys[level]) - 1)
            found = self.keys[level][slot] == keys
            result[open_] = self.colors[level][slot]
            open_ = open_[~found]
            if not len(open_):
                break
        return result


def _keys(points: NDArray[np.floating], origin: NDArray[np.float32], cell: float) -> NDArray[np.int32]:
    index = np.clip((points - origin) / cell + 2, 0, SIDE - 1).astype(np.int32)
    keys: NDArray[np.int32] = (index[:, 0] * SIDE + index[:, 1]) * SIDE + index[:, 2]
    return keys


def _mean_colors(keys: NDArray[np.int32], colors: Array) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    unique, which = np.unique(keys, return_inverse=True)
    number = np.bincount(which)
    mean = np.stack([np.bincount(which, colors[:, k]) / number for k in range(3)], axis=1)
    return unique, np.rint(255 * np.clip(mean, 0, 1)).astype(np.uint8)
