"""Splitting what stands on a plane into objects: at jumps of depth, and where surfaces meet in a dent.

Objects are mostly convex, and where two of them touch or one stands on another their surfaces make a concave edge
(Stein et al., Object Partitioning using Local Convexity, CVPR 2014). All images here have half the camera's resolution.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry.plane import Plane
from .config import TabletopConfig
from .insides import merge_insides

FloatImage = NDArray[np.float32]
BoolImage = NDArray[np.bool_]
LabelImage = NDArray[np.int32]

_NORMAL_STEP = 2  # pixels to each side between which the surface direction is measured
_DENT_STEP = 3  # pixels to each side whose directions are compared
_SMOOTHING = 5  # pixels
_MARGIN = 8  # pixels
_GROWTH = 6  # pixels that a region may grow back over its own edges and over missing depth


def split(points: FloatImage, foreground: BoolImage, plane: Plane, config: TabletopConfig) -> LabelImage:
    """Regions 1, 2, ... of the foreground [H, W] of a pointmap [H, W, 3], the largest first; 0 elsewhere."""
    labels = np.zeros(foreground.shape, np.int32)
    if foreground.any():
        window = _window(foreground)  # most of the image is table
        labels[window] = _split(points[window], foreground[window], plane, config)
    return labels


def _window(foreground: BoolImage) -> tuple[slice, slice]:
    """Rows and columns of the foreground, with room for the neighbourhoods that are looked at."""
    rows, columns = np.flatnonzero(foreground.any(axis=1)), np.flatnonzero(foreground.any(axis=0))
    return slice(max(0, rows[0] - _MARGIN), rows[-1] + _MARGIN), slice(
        max(0, columns[0] - _MARGIN), columns[-1] + _MARGIN
    )


def _split(points: FloatImage, foreground: BoolImage, plane: Plane, config: TabletopConfig) -> LabelImage:
    normals = _normals(points)
    cut = _jumps(points, foreground, config) | _dents(points, normals, foreground, config)
    labels, count = ndimage.label(foreground & ~cut)
    labels = labels.astype(np.int32)
    small = np.bincount(labels.ravel(), minlength=count + 1) < config.min_pixels / 16
    labels[small[labels]] = 0
    labels = _grown(labels, foreground, points, config)
    labels = merge_insides(labels, points, normals, plane)
    return _numbered(labels, min_pixels=config.min_pixels // 4)


def _jumps(points: FloatImage, foreground: BoolImage, config: TabletopConfig) -> BoolImage:
    """The farther pixel of each pair of neighbours between which depth jumps.

    A surface seen at a grazing angle changes its depth as much from pixel to pixel, but on both sides of a pixel alike:
    only where the step to one side is not that to the other side, it is a jump.
    """
    depth = np.where(foreground, points[..., 2], np.inf)
    limit = config.max_depth_jump * np.maximum(np.where(foreground, depth, 0), 0.5) ** 2
    cut = np.zeros(foreground.shape, bool)
    for axis in (0, 1):
        with np.errstate(invalid="ignore"):
            before, after = depth - np.roll(depth, 1, axis), depth - np.roll(depth, -1, axis)
            uneven = np.abs(before + after) > limit
            cut |= ((before > limit) | (after > limit)) & uneven
    return cut & foreground


def _dents(points: FloatImage, normals: FloatImage, foreground: BoolImage, config: TabletopConfig) -> BoolImage:
    """Pixels at which the surfaces to both sides meet in a dent."""
    sharpness = 2 * np.sin(np.deg2rad(config.concave_angle_deg) / 2)
    dent = np.zeros(foreground.shape, bool)
    for axis in (0, 1):
        ahead, behind = (np.roll(points, shift, axis) for shift in (-_DENT_STEP, _DENT_STEP))
        n_ahead, n_behind = (np.roll(normals, shift, axis) for shift in (-_DENT_STEP, _DENT_STEP))
        between = ahead - behind
        length = np.linalg.norm(between, axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            opening = np.einsum("hwi,hwi->hw", n_ahead - n_behind, between) / length
            # Across a jump of depth two surfaces do not meet: those are cut by `_jumps`.
            dent |= (opening < -sharpness) & (length < 0.05)
    return dent & foreground


def _normals(points: FloatImage) -> FloatImage:
    """Unit surface directions towards the camera [H, W, 3], NaN where depth is missing nearby."""
    smooth = _smoothed(points)
    across = np.roll(smooth, -_NORMAL_STEP, 1) - np.roll(smooth, _NORMAL_STEP, 1)
    down = np.roll(smooth, -_NORMAL_STEP, 0) - np.roll(smooth, _NORMAL_STEP, 0)
    normals = np.cross(down, across)
    with np.errstate(invalid="ignore", divide="ignore"):
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    unit: FloatImage = normals
    return unit


def _smoothed(points: FloatImage) -> FloatImage:
    """Mean of the readings around each reading [H, W, 3]; NaN stays NaN and does not spread."""
    valid = np.isfinite(points[..., 2])
    share = ndimage.uniform_filter(valid.astype(np.float32), _SMOOTHING)
    filled = np.where(valid[..., None], points, 0)
    sums = np.stack([ndimage.uniform_filter(filled[..., i], _SMOOTHING) for i in range(3)], axis=-1)
    smooth: FloatImage = np.where(valid[..., None], sums / np.maximum(share, 1e-3)[..., None], np.nan)
    return smooth


def _grown(labels: LabelImage, foreground: BoolImage, points: FloatImage, config: TabletopConfig) -> LabelImage:
    """Foreground pixels without a region join the nearest one, where that is near in the image and in depth."""
    open_pixels = foreground & (labels == 0)
    distance, (rows, columns) = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    candidate = labels[rows, columns]
    depth = points[..., 2]
    with np.errstate(invalid="ignore"):
        near = np.abs(depth - depth[rows, columns]) < 4 * config.max_depth_jump
    joins = open_pixels & near & (distance <= _GROWTH)
    return np.where(joins, candidate, labels)


def _numbered(labels: LabelImage, *, min_pixels: int) -> LabelImage:
    """Regions that are large enough, the largest first, as 1, 2, ..."""
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    kept = [region for region in np.argsort(-areas, kind="stable") if areas[region] >= max(min_pixels, 1)]
    number = np.zeros(len(areas), np.int32)
    number[kept] = np.arange(1, len(kept) + 1)
    return number[labels]
