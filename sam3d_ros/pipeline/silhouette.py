"""The outlines of posed meshes against the masks in the image: overlap, and how far beside they lie.

Rays of all objects travel in flat arrays, object after object: NumPy's cost is per call.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3, PinholeCamera
from .surface_model import SurfaceModel

Box = tuple[int, int, int, int]  # u_min, v_min, u_max, v_max; all four inside
Array = NDArray[np.float64]
Pixels = NDArray[np.int64]

_RAYS = 400
_GOLDEN = 0.618034
_SAME_PLACE_PX = 0.5  # a smaller motion in the image is none
_OCCLUDER_GAP = 0.015  # m; a reading nearer than the mesh by more belongs to something in front of it
_MAX_AREA_DIFFERENCE = 0.2  # of the larger area; beyond it the mask does not show the whole outline


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What an image shows of one object."""

    points: NDArray[np.float64]  # [N, 3] metres, optical frame
    labels: NDArray[np.generic]  # [H, W] label image or mask
    label: int  # marks the object in it
    box: Box  # around its pixels
    depth: NDArray[np.floating] | None = None  # [H, W] metres of the whole image, to know what hides the object


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A mesh at a pose with what an image shows of it."""

    surface: SurfaceModel
    T_cam_obj: SE3
    sight: Sight


@dataclass(frozen=True, slots=True, eq=False)
class MeshRays:
    """The rays of a comparison that meet the mesh."""

    u: Pixels  # [N]
    v: Pixels  # [N]
    depth: NDArray[np.float32]  # [N] m, of the mesh
    mask_count: int  # rays of the same grid that meet the mask


@dataclass(frozen=True, slots=True, eq=False)
class Silhouette:
    """Agreement of mesh and mask; parts of the mesh that something nearer hides are left out.

    `beside_xy` is how far, in metres along the camera's x and y at the object's depth, the middle of the mask lies from
    the middle of the mesh; `trust`, 0 to 1, is how well their areas agree, for a mask that shows only a part of the
    outline has another middle.
    """

    iou: float  # 0-1; NaN where neither mesh nor mask is in the image
    beside_xy: Array  # [2]
    trust: float
    rays: MeshRays | None = None  # None where nothing of mesh or mask is in the image


NO_SILHOUETTE = Silhouette(float("nan"), np.zeros(2), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """Pixels of several objects, each ordered by rows."""

    u: Pixels  # [N]
    v: Pixels  # [N]
    ends: Pixels  # [O] end of each object's pixels


def compare_silhouettes(outlines: Sequence[Outline], camera: PinholeCamera) -> list[Silhouette]:
    """Cast a grid of rays over mesh and mask of each object and compare."""
    if not outlines:
        return []
    boxes = _boxes(outlines, camera)
    seen = np.flatnonzero((boxes[:, 2] >= boxes[:, 0]) & (boxes[:, 3] >= boxes[:, 1]))
    answers = [NO_SILHOUETTE] * len(outlines)
    grid = _grids(boxes[seen])
    starts = np.append(0, grid.ends)
    for k, i in enumerate(seen.tolist()):
        part = slice(starts[k], starts[k + 1])
        answers[i] = _compare(outlines[i], camera, grid.u[part], grid.v[part])
    return answers


def moved_iou(before: Silhouette, outline: Outline, pose: SE3, camera: PinholeCamera) -> float:
    """The overlap once the mesh has moved from the outline's pose to another one close by, without new rays.

    The image of the mesh moves with its origin and grows as it comes closer; how it turns is left out.
    """
    rays, sight = before.rays, outline.sight
    (x0, y0, z0), (x1, y1, z1) = outline.T_cam_obj.translation_xyz.tolist(), pose.translation_xyz.tolist()
    growth = z0 / z1
    right, down = camera.fx * (x1 - x0) / z1, camera.fy * (y1 - y0) / z1  # with u - cx = fx x / z on both sides
    shift_px = math.hypot(camera.fx * (x1 / z1 - x0 / z0), camera.fy * (y1 / z1 - y0 / z0))
    if rays is None or shift_px + abs(1 / z1 - 1 / z0) * camera.fx * outline.surface.diameter / 2 < _SAME_PLACE_PX:
        return before.iou
    u = np.rint(growth * rays.u + (right + (1 - growth) * camera.cx)).astype(np.int64)
    v = np.rint(growth * rays.v + (down + (1 - growth) * camera.cy)).astype(np.int64)
    height, width = sight.labels.shape
    inside = np.flatnonzero((u >= 0) & (v >= 0) & (u < width) & (v < height))
    in_mask, visible = _meeting(sight, u[inside], v[inside], rays.depth[inside] + np.float32(z1 - z0))
    both = growth**2 * int(np.count_nonzero(in_mask))
    union = rays.mask_count + growth**2 * int(np.count_nonzero(visible)) - both
    return min(1.0, both / union) if union else float("nan")


def _meeting(
    sight: Sight, u: Pixels, v: Pixels, depth_of_mesh: NDArray[np.float32]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pixels are in the mask, and in which of them the mesh is to be seen (Inf where it is not)."""
    in_mask: NDArray[np.bool_] = sight.labels[v, u] == sight.label
    on_mesh = np.isfinite(depth_of_mesh)
    if sight.depth is not None:
        beside = np.flatnonzero(on_mesh & ~in_mask)
        # A missing reading is NaN and hides nothing.
        on_mesh[beside] = ~(sight.depth[v[beside], u[beside]] < depth_of_mesh[beside] - _OCCLUDER_GAP)
    return in_mask, on_mesh


def _compare(outline: Outline, camera: PinholeCamera, u: Pixels, v: Pixels) -> Silhouette:
    T_cam_obj = outline.T_cam_obj
    depth_of_mesh = outline.surface.depth_along(T_cam_obj, camera, u, v)
    in_mask, on_mesh = _meeting(outline.sight, u, v, depth_of_mesh)
    in_both = int(np.count_nonzero(in_mask & on_mesh))
    counts = int(np.count_nonzero(in_mask)), int(np.count_nonzero(on_mesh))
    union = sum(counts) - in_both
    met = np.flatnonzero(np.isfinite(depth_of_mesh))
    rays = MeshRays(u[met], v[met], depth_of_mesh[met], counts[0])
    if not min(counts):
        return Silhouette(0.0 if union else float("nan"), np.zeros(2), 0.0, rays)
    weight = in_mask / counts[0] - on_mesh / counts[1]
    metres = float(T_cam_obj.translation_xyz[2])
    beside_xy = np.array([float(u @ weight) * metres / camera.fx, float(v @ weight) * metres / camera.fy])
    trust = max(0.0, 1 - (max(counts) - min(counts)) / (_MAX_AREA_DIFFERENCE * max(counts)))
    return Silhouette(in_both / union, beside_xy, trust, rays)


def _boxes(outlines: Sequence[Outline], camera: PinholeCamera) -> Pixels:
    """Boxes [O, 4] around mesh and mask, cut at the border of the image; upside down where nothing is left."""
    corners = np.stack([outline.surface.corners for outline in outlines])
    R = np.stack([outline.T_cam_obj.rotation for outline in outlines])
    t = np.stack([outline.T_cam_obj.translation_xyz for outline in outlines])
    pixels = camera.project(corners @ R.transpose(0, 2, 1) + t[:, None])  # NaN behind the camera
    boxes = np.array([outline.sight.box for outline in outlines], np.float64)
    low = np.fmin(boxes[:, :2], np.floor(np.fmin.reduce(pixels, axis=1)))
    high = np.fmax(boxes[:, 2:], np.ceil(np.fmax.reduce(pixels, axis=1)))
    limit = np.array([camera.width - 1, camera.height - 1])
    return np.concatenate([np.maximum(low, 0), np.minimum(high, limit)], axis=1).astype(np.int64)


def _grids(boxes: Pixels) -> _Grid:
    """Pixels spread over each of the boxes [O, 4], about `_RAYS` of them.

    Rows and columns are staggered by the golden ratio: a plain grid would measure a straight edge in whole steps.
    """
    size = boxes[:, 2:] - boxes[:, :2] + 1
    step = np.maximum(1, np.rint(np.sqrt(size.prod(axis=1) / _RAYS))).astype(np.int64)
    columns, rows = (-(-size // step[:, None])).T
    count = rows * columns
    begin = np.cumsum(count) - count
    numbers = np.stack([begin, columns, step, *boxes.T]).astype(np.int32)
    first, columns, step, u_min, v_min, u_max, v_max = np.repeat(numbers, count, axis=1)
    row, column = np.divmod(np.arange(len(first), dtype=np.int32) - first, columns)
    u = u_min + column * step + (step * _fraction(row * _GOLDEN)).astype(np.int32)
    v = v_min + row * step + (step * _fraction(column * _GOLDEN)).astype(np.int32)
    inside = (u <= u_max) & (v <= v_max)
    ends = np.append(0, np.cumsum(inside))[begin + count]
    return _Grid(u[inside].astype(np.int64), v[inside].astype(np.int64), ends)


def _fraction(values: Array) -> Array:
    """What follows the point, for positive numbers; several times as quick as the remainder."""
    fraction: Array = values - np.floor(values)
    return fraction
