"""Colours of a placed mesh: from the image where it is seen, from its mirror image where it has one, else nearby."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from ...geometry import SE3, Mesh
from ...geometry.sampling import vertex_normals
from ..frame import Frame
from ..observation import Observation
from ..vertex_colors import spread_to_unseen

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Colors = NDArray[np.uint8]

_INSET = 1.5  # pixels from the outline, where colours of the background begin to mix in
_SEEN_WITHIN = 0.006  # m, from the measured surface, or a voxel where that is more
_NEIGHBOURS = 6  # seen vertices whose mean a hidden one takes
_SYMMETRIC = 0.92  # share of the vertices that a mirror must bring back to the surface
_MIRRORS = np.array([[-1.0, 1, 1], [1, -1, 1], [-1, -1, 1]])  # signs of x, y and z in the object frame


def colored(
    mesh: Mesh,
    T_cam_obj: SE3,
    frame: Frame,
    observation: Observation,
    *,
    voxel: float,
    hidden: Colors | None = None,
) -> Mesh:
    """The mesh of the object frame with the frame's colours, and those of `hidden` [V, 3] where the frame shows none.

    `voxel` in metres is how fine its surface is known. Without `hidden` the seen side says what the other one may be.
    """
    seen, colors = _seen(mesh, T_cam_obj, frame, observation, within=max(voxel, _SEEN_WITHIN))
    if hidden is not None:
        return Mesh(mesh.vertices, mesh.triangles, np.where(seen[:, None], colors, hidden))
    if not seen.any():
        colors[:] = np.median(observation.colors, axis=0).astype(np.uint8)
        return Mesh(mesh.vertices, mesh.triangles, colors)
    points = mesh.vertices.astype(np.float64)
    colors, known = _mirrored(points, colors, seen, 2 * voxel)
    return Mesh(mesh.vertices, mesh.triangles, spread_to_unseen(points, colors, known, neighbours=_NEIGHBOURS))


def _seen(
    mesh: Mesh, T_cam_obj: SE3, frame: Frame, observation: Observation, *, within: float
) -> tuple[BoolArray, Colors]:
    """Which vertices the image shows [V], and its colours [V, 3] there, 0 elsewhere.

    Those that face the camera well inside the mask, where the depth is theirs or was not measured.
    """
    p_cam = T_cam_obj.apply(mesh.vertices)
    facing = np.einsum("vi,vi->v", vertex_normals(mesh) @ T_cam_obj.rotation.T, p_cam) < 0
    uv = np.nan_to_num(frame.camera.project(p_cam), nan=-1e6)
    u, v = np.rint(uv).astype(np.int64).T
    inner, (top, left) = _inside(observation.mask)
    row, column = v - top, u - left
    boxed = (row >= 0) & (column >= 0) & (row < inner.shape[0]) & (column < inner.shape[1])
    seen = np.zeros(len(p_cam), np.bool_)
    chosen = np.flatnonzero(facing & boxed)
    read = frame.pointmap[v[chosen], u[chosen], 2]
    with np.errstate(invalid="ignore"):
        near = np.isnan(read) | (np.abs(read - p_cam[chosen, 2]) < within)
    seen[chosen] = near & inner[row[chosen], column[chosen]]
    colors = np.zeros((len(p_cam), 3), np.uint8)
    colors[seen] = frame.color[v[seen], u[seen]]
    return seen, colors


def _inside(mask: BoolArray) -> tuple[BoolArray, tuple[int, int]]:
    """Pixels of the mask's box that are far enough from the outline, and the box's first row and column."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    inset = ndimage.distance_transform_edt(np.pad(box, 1))[1:-1, 1:-1]
    return inset > _INSET, (int(rows[0]), int(columns[0]))


def _mirrored(points: Float64Array, colors: Colors, seen: BoolArray, within: float) -> tuple[Colors, BoolArray]:
    """Colours also where a mirror image of the shape about its middle planes is seen, and where any are known."""
    shape, shown = cKDTree(points), cKDTree(points[seen])
    known, mixed = seen.copy(), colors.copy()
    for signs in _MIRRORS:
        if known.all() or (shape.query(points * signs, distance_upper_bound=within)[0] < within).mean() < _SYMMETRIC:
            continue
        target = np.flatnonzero(~known)
        distance, nearest = shown.query(points[target] * signs, distance_upper_bound=within)
        hit = distance < within
        mixed[target[hit]] = colors[seen][nearest[hit]]
        known[target[hit]] = True
    return mixed, known
