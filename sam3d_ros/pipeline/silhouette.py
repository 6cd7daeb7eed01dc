"""The outlines of posed meshes against the masks in the image: overlap, and how far beside they lie.

Rays of all objects travel in flat arrays, object after object: NumPy's cost is per call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import PinholeCamera
from ..geometry.pose_batch import PoseBatch
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
class View:
    """One image: what its pixels belong to, and what camera took it."""

    labels: NDArray[np.generic]  # [H, W] label image or mask
    camera: PinholeCamera
    depth: NDArray[np.floating] | None = None  # [H, W] metres, to know what hides an object

    def labels_at(self, u: Pixels, v: Pixels) -> NDArray[np.generic]:
        """Labels [N] of pixels inside the image."""
        found: NDArray[np.generic] = self.labels.reshape(-1).take(v * self.labels.shape[1] + u)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What an image shows of one object."""

    points: NDArray[np.float64]  # [N, 3] metres, optical frame
    label: int  # marks the object in the image
    box: Box  # around its pixels


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """Meshes at their poses with what an image shows of them."""

    surfaces: Sequence[SurfaceModel]
    T_cam_obj: PoseBatch
    labels: Pixels  # [O]
    boxes: Pixels  # [O, 4]

    @staticmethod
    def of(surfaces: Sequence[SurfaceModel], T_cam_obj: PoseBatch, sights: Sequence[Sight]) -> Outlines:
        """One for each of the objects, which must be at least one."""
        labels = np.array([sight.label for sight in sights], np.int64)
        return Outlines(surfaces, T_cam_obj, labels, np.array([sight.box for sight in sights], np.int64))

    def __len__(self) -> int:
        return len(self.surfaces)

    def part(self, chosen: Pixels, T_cam_obj: PoseBatch) -> Outlines:
        """Some of the objects, at other poses."""
        surfaces = [self.surfaces[i] for i in chosen.tolist()]
        return Outlines(surfaces, T_cam_obj[chosen], self.labels[chosen], self.boxes[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class MeshRays:
    """The rays of a comparison that meet a mesh, object after object."""

    u: Pixels  # [N]
    v: Pixels  # [N]
    depth: NDArray[np.float32]  # [N] m, of the mesh
    owner: Pixels  # [N] index of the object


@dataclass(frozen=True, slots=True, eq=False)
class Silhouettes:
    """Agreement of meshes and masks; parts of a mesh that something nearer hides are left out.

    `beside_xy` is how far, in metres along the camera's x and y at the object's depth, the middle of the mask lies from
    the middle of the mesh; `trust`, 0 to 1, is how well their areas agree, for a mask that shows only a part of the
    outline has another middle.
    """

    iou: Array  # [O] 0-1; NaN where neither mesh nor mask is in the image
    beside_xy: Array  # [O, 2]
    trust: Array  # [O]
    mask_count: Pixels  # [O] rays that meet the mask
    rays: MeshRays


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """Pixels of several objects, object after object, each ordered by rows."""

    u: Pixels  # [N]
    v: Pixels  # [N]
    owner: Pixels  # [N] index of the object
    starts: Pixels  # [O]


def compare_silhouettes(outlines: Outlines, view: View) -> Silhouettes:
    """Cast a grid of rays over mesh and mask of each object and compare."""
    boxes = _boxes(outlines, view.camera)
    seen = np.flatnonzero((boxes[:, 2] >= boxes[:, 0]) & (boxes[:, 3] >= boxes[:, 1]))
    grid = _grids(boxes, seen)
    depth = _depth_of_meshes(outlines, view.camera, grid, seen)
    in_mask, on_mesh = _meeting(view, outlines.labels[grid.owner], (grid.u, grid.v), depth)
    figures = np.zeros((len(outlines), 7))
    if len(seen):
        figures[seen] = _sums(grid, in_mask, on_mesh)
    in_both, counts = figures[:, 0], figures[:, 1:3]
    met = np.flatnonzero(np.isfinite(depth))
    return Silhouettes(
        iou=_ratio(in_both, counts.sum(axis=1) - in_both),
        beside_xy=_beside(figures, outlines.T_cam_obj.translation_xyz[:, 2], view.camera),
        trust=_trust(counts),
        mask_count=counts[:, 0].astype(np.int64),
        rays=MeshRays(grid.u[met], grid.v[met], depth[met], grid.owner[met]),
    )


def moved_rays(before: Silhouettes, outlines: Outlines, p_cam: Array, camera: PinholeCamera) -> MeshRays:
    """The rays inside the image once the meshes have moved to origins p_cam [O, 3] close by, without new casts.

    The image of a mesh moves with its origin and grows as it comes closer; how it turns is left out.
    """
    rays = before.rays
    (x0, y0, z0), (x1, y1, z1) = outlines.T_cam_obj.translation_xyz.T, p_cam.T
    growth = z0 / z1
    # With u - cx = fx x / z on both sides.
    right = camera.fx * (x1 - x0) / z1 + (1 - growth) * camera.cx
    down = camera.fy * (y1 - y0) / z1 + (1 - growth) * camera.cy
    u = np.rint(growth[rays.owner] * rays.u + right[rays.owner]).astype(np.int64)
    v = np.rint(growth[rays.owner] * rays.v + down[rays.owner]).astype(np.int64)
    inside = np.flatnonzero((u >= 0) & (v >= 0) & (u < camera.width) & (v < camera.height))
    owner = rays.owner[inside]
    return MeshRays(u[inside], v[inside], rays.depth[inside] + (z1 - z0).astype(np.float32)[owner], owner)


def moved_ious(before: Silhouettes, outlines: Outlines, p_cam: Array, view: View) -> Array:
    """The overlaps [O] once the meshes have moved to origins p_cam [O, 3] close by; see `moved_rays`."""
    camera = view.camera
    (x0, y0, z0), (x1, y1, z1) = outlines.T_cam_obj.translation_xyz.T, p_cam.T
    size = np.array([surface.diameter for surface in outlines.surfaces]) / 2
    shift_px = np.hypot(camera.fx * (x1 / z1 - x0 / z0), camera.fy * (y1 / z1 - y0 / z0))
    moved = shift_px + np.abs(1 / z1 - 1 / z0) * camera.fx * size >= _SAME_PLACE_PX
    if not moved.any():
        return before.iou
    rays, growth = moved_rays(before, outlines, p_cam, camera), z0 / z1
    in_mask, visible = _meeting(view, outlines.labels[rays.owner], (rays.u, rays.v), rays.depth)
    both = growth**2 * np.bincount(rays.owner[in_mask], minlength=len(outlines))
    union = before.mask_count + growth**2 * np.bincount(rays.owner[visible], minlength=len(outlines)) - both
    ious: Array = np.where(moved, np.minimum(_ratio(both, union), 1.0), before.iou)
    return ious


def seen_through(rays: MeshRays, count: int, view: View, tolerance: Array) -> Array:
    """Shares [O] of the rays on each of `count` meshes on which the camera saw something farther away than the mesh.

    By more than `tolerance` [O] metres. Rays without a reading, and those on which something nearer hides the mesh, say
    nothing; NaN where none is left.
    """
    if view.depth is None:
        return np.full(count, np.nan)
    beyond = view.depth[rays.v, rays.u] - rays.depth  # NaN where nothing was read
    told = beyond > -_OCCLUDER_GAP
    through = beyond > tolerance[rays.owner]
    return _ratio(
        np.bincount(rays.owner[through], minlength=count).astype(np.float64),
        np.bincount(rays.owner[told], minlength=count).astype(np.float64),
    )


def _depth_of_meshes(outlines: Outlines, camera: PinholeCamera, grid: _Grid, seen: Pixels) -> NDArray[np.float32]:
    """Depth [N] in metres at which each ray meets its object's mesh; Inf where it misses it."""
    directions = np.ones((len(grid.u), 3))
    directions[:, 0] = (grid.u - camera.cx) / camera.fx
    directions[:, 1] = (grid.v - camera.cy) / camera.fy
    R = outlines.T_cam_obj.rotation
    p_obj_camera = outlines.T_cam_obj.origins()
    depth = np.empty(len(grid.u), np.float32)
    ends = [*grid.starts.tolist(), len(depth)]
    for i, start, end in zip(seen.tolist(), ends[:-1], ends[1:], strict=True):
        depth[start:end] = outlines.surfaces[i].depth_along(p_obj_camera[i], directions[start:end] @ R[i])
    return depth


def _meeting(
    view: View, label: Pixels, pixels: tuple[Pixels, Pixels], depth_of_mesh: NDArray[np.float32]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pixels [N] are in the mask, and in which of them the mesh is to be seen (Inf where it is not)."""
    u, v = pixels
    in_mask: NDArray[np.bool_] = view.labels_at(u, v) == label
    on_mesh = np.isfinite(depth_of_mesh)
    if view.depth is not None:
        beside = np.flatnonzero(on_mesh & ~in_mask)
        # A missing reading is NaN and hides nothing.
        on_mesh[beside] = ~(view.depth[v[beside], u[beside]] < depth_of_mesh[beside] - _OCCLUDER_GAP)
    return in_mask, on_mesh


def _sums(grid: _Grid, in_mask: NDArray[np.bool_], on_mesh: NDArray[np.bool_]) -> Array:
    """For each object of the grid [O, 7]: rays in both, in the mask, on the mesh, then sums of u, u, v, v in these."""
    figures = np.empty((7, len(grid.u)))
    np.logical_and(in_mask, on_mesh, out=figures[0])
    figures[1], figures[2] = in_mask, on_mesh
    np.multiply(figures[1:3], grid.u, out=figures[3:5])
    np.multiply(figures[1:3], grid.v, out=figures[5:7])
    sums: Array = np.add.reduceat(figures, grid.starts, axis=1).T
    return sums


def _ratio(part: Array, whole: Array) -> Array:
    """Shares; NaN where there is nothing to have a share of."""
    shares: Array = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole != 0)
    return shares


def _beside(figures: Array, depth: Array, camera: PinholeCamera) -> Array:
    """From the middle of the mesh to that of the mask, metres [O, 2]; zero where either is not in the image."""
    counts = figures[:, 1:3]
    middles = figures[:, 3:].reshape(-1, 2, 2) / np.maximum(counts, 1)[:, None]  # [O, u or v, mask or mesh]
    beside_px = np.where(counts.min(axis=1)[:, None] > 0, middles[..., 0] - middles[..., 1], 0.0)
    beside: Array = beside_px * depth[:, None] / np.array([camera.fx, camera.fy])
    return beside


def _trust(counts: Array) -> Array:
    most, least = counts.max(axis=1), counts.min(axis=1)
    share = np.maximum(0.0, 1 - (most - least) / (_MAX_AREA_DIFFERENCE * np.maximum(most, 1)))
    trust: Array = np.where(least > 0, share, 0.0)
    return trust


def _boxes(outlines: Outlines, camera: PinholeCamera) -> Pixels:
    """Boxes [O, 4] around mesh and mask, cut at the border of the image; upside down where nothing is left."""
    corners = np.array([surface.corners for surface in outlines.surfaces])
    pixels = camera.project(outlines.T_cam_obj.apply(corners))  # NaN behind the camera
    low = np.fmin(outlines.boxes[:, :2], np.floor(np.fmin.reduce(pixels, axis=1)))
    high = np.fmax(outlines.boxes[:, 2:], np.ceil(np.fmax.reduce(pixels, axis=1)))
    limit = np.array([camera.width - 1, camera.height - 1])
    return np.concatenate([np.maximum(low, 0), np.minimum(high, limit)], axis=1).astype(np.int64)


def _grids(boxes: Pixels, seen: Pixels) -> _Grid:
    """Pixels spread over each of the boxes [O, 4] that are `seen`, about `_RAYS` of them.

    Rows and columns are staggered by the golden ratio: a plain grid would measure a straight edge in whole steps.
    """
    boxes = boxes[seen]
    size = boxes[:, 2:] - boxes[:, :2] + 1
    step = np.maximum(1, np.rint(np.sqrt(size.prod(axis=1) / _RAYS))).astype(np.int64)
    columns, rows = (-(-size // step[:, None])).T
    count = rows * columns
    begin = np.cumsum(count) - count
    numbers = np.stack([begin, columns, step, seen, *boxes.T]).astype(np.int32)
    first, columns, step, owner, u_min, v_min, u_max, v_max = np.repeat(numbers, count, axis=1)
    row, column = np.divmod(np.arange(len(first), dtype=np.int32) - first, columns)
    u = u_min + column * step + (step * _fraction(row * _GOLDEN)).astype(np.int32)
    v = v_min + row * step + (step * _fraction(column * _GOLDEN)).astype(np.int32)
    inside = np.flatnonzero((u <= u_max) & (v <= v_max))
    starts = np.searchsorted(inside, begin)
    return _Grid(u[inside].astype(np.int64), v[inside].astype(np.int64), owner[inside].astype(np.int64), starts)


def _fraction(values: Array) -> Array:
    """What follows the point, for positive numbers; several times as quick as the remainder."""
    fraction: Array = values - np.floor(values)
    return fraction
