"""The outline of a posed mesh against the mask in the image: overlap, and how far beside it lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3, PinholeCamera
from .surface_model import SurfaceModel

Box = tuple[int, int, int, int]  # u_min, v_min, u_max, v_max; all four inside

_RAYS = 400
_GOLDEN = 0.618034
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
class Silhouette:
    """Agreement of mesh and mask; parts of the mesh that something nearer hides are left out.

    `beside_xy` is how far, in metres along the camera's x and y at the object's depth, the middle of the mask lies from
    the middle of the mesh; `trust`, 0 to 1, is how well their areas agree, for a mask that shows only a part of the
    outline has another middle.
    """

    iou: float  # 0-1; NaN where neither mesh nor mask is in the image
    beside_xy: NDArray[np.float64]  # [2]
    trust: float


NO_SILHOUETTE = Silhouette(float("nan"), np.zeros(2), 0.0)


def compare_silhouettes(surface: SurfaceModel, T_cam_obj: SE3, camera: PinholeCamera, sight: Sight) -> Silhouette:
    """Cast a grid of rays over mesh and mask and compare."""
    grid = _grid(_union(sight.box, _projected_box(surface, T_cam_obj, camera)), camera)
    if grid is None:
        return NO_SILHOUETTE
    u, v = grid
    in_mask = sight.labels[v, u] == sight.label
    depth_of_mesh = surface.depth_along(T_cam_obj, camera, u, v)
    on_mesh = np.isfinite(depth_of_mesh)
    if sight.depth is not None:
        # A missing reading is NaN and hides nothing.
        on_mesh &= in_mask | ~(sight.depth[v, u] < depth_of_mesh - _OCCLUDER_GAP)
    counts = int(np.count_nonzero(in_mask)), int(np.count_nonzero(on_mesh))
    union = int(np.count_nonzero(in_mask | on_mesh))
    if not min(counts):
        return Silhouette(0.0 if union else float("nan"), np.zeros(2), 0.0)
    weight = in_mask / counts[0] - on_mesh / counts[1]
    beside_px = np.array([u @ weight, v @ weight])
    beside_xy = beside_px * T_cam_obj.translation_xyz[2] / (camera.fx, camera.fy)
    trust = max(0.0, 1 - (max(counts) - min(counts)) / (_MAX_AREA_DIFFERENCE * max(counts)))
    return Silhouette(int(np.count_nonzero(in_mask & on_mesh)) / union, beside_xy, trust)


def _projected_box(surface: SurfaceModel, T_cam_obj: SE3, camera: PinholeCamera) -> Box | None:
    pixels = camera.project(T_cam_obj.apply(surface.corners))
    pixels = pixels[np.isfinite(pixels[:, 0])]
    if not len(pixels):
        return None
    low, high = np.floor(pixels.min(axis=0)).astype(int), np.ceil(pixels.max(axis=0)).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _union(a: Box, b: Box | None) -> Box:
    if b is None:
        return a
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _grid(box: Box, camera: PinholeCamera) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Pixels u, v spread over the part of the box that lies in the image, about `_RAYS` of them.

    Rows and columns are staggered by the golden ratio: a plain grid would measure a straight edge in whole steps.
    """
    u_min, v_min = max(box[0], 0), max(box[1], 0)
    u_max, v_max = min(box[2], camera.width - 1), min(box[3], camera.height - 1)
    if u_max < u_min or v_max < v_min:
        return None
    step = max(1, round(((u_max - u_min + 1) * (v_max - v_min + 1) / _RAYS) ** 0.5))
    rows, columns = np.arange((v_max - v_min) // step + 1)[:, None], np.arange((u_max - u_min) // step + 1)
    u = (u_min + columns * step + (step * (rows * _GOLDEN % 1)).astype(np.int64)).ravel()
    v = (v_min + rows * step + (step * (columns * _GOLDEN % 1)).astype(np.int64)).ravel()
    inside = (u <= u_max) & (v <= v_max)
    return u[inside], v[inside]
