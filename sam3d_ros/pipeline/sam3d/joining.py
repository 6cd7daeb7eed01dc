"""One body for one object: pieces of a field joined where nothing says that they are apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Grid = NDArray[np.float32]
BoolGrid = NDArray[np.bool_]
_PIECE = 0.05  # of the largest piece's voxels; smaller ones are noise, which finishing drops
_INSIDE = np.float32(-0.2)  # of a bridge
_CORNERS = np.ones((3, 3, 3), np.bool_)
_CROSS = ndimage.generate_binary_structure(3, 1)


def joined(field: Grid, free: BoolGrid) -> Grid:
    """The field [R, R, R], negative inside, with straight bridges of three voxels between its pieces.

    A mask shows one object, and depth that is missing in the middle of it leaves halves. Each piece is joined to the
    nearest one that belongs to the largest already, unless the way leads through space that is `free` [R, R, R]: such
    pieces stay apart.
    """
    label, count = ndimage.label(field < 0, _CORNERS)
    sizes = np.bincount(label.ravel(), minlength=count + 1)
    sizes[0] = 0
    pieces = np.flatnonzero(sizes >= max(_PIECE * sizes.max(), 1))
    if len(pieces) < 2:
        return field
    body, bridges = label == np.argmax(sizes), np.zeros(field.shape, np.bool_)
    waiting = [label == number for number in pieces if number != np.argmax(sizes)]
    while waiting:
        distance, nearest = ndimage.distance_transform_edt(~body, return_indices=True)
        gaps = [float(distance[piece].min()) for piece in waiting]
        piece = waiting.pop(int(np.argmin(gaps)))
        start = np.argwhere(piece)[np.argmin(distance[piece])]
        way = _line(start, nearest[:, start[0], start[1], start[2]])
        if free[way].any():
            continue
        bridges[way] = True
        body |= piece
    wide = ndimage.binary_dilation(bridges, _CROSS) & ~free
    return np.where(wide, np.minimum(field, _INSIDE), field)


def _line(start: NDArray[np.intp], end: NDArray[np.intp]) -> tuple[NDArray[np.intp], ...]:
    """Indices of the voxels on the straight way between two, both ends among them."""
    steps = int(np.abs(end - start).max())
    share = np.linspace(0, 1, steps + 1)[:, None]
    x, y, z = np.rint(start + share * (end - start)).astype(np.intp).T
    return x, y, z
