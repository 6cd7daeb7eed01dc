"""Depth readings inside a mask that do not lie on its object.

Two kinds reach every real camera's masks: mixed pixels, whose reading lies between the object and what is behind it,
and masks that spill over the outline onto the background. A convex hull that takes them in grows several times over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

BoolImage = NDArray[np.bool_]
FloatImage = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class StrayConfig:
    """What counts as one surface. Lengths are in metres, angles in degrees from the surface normal."""

    surface_incidence: float = 75.0  # neighbouring pixels lie on one surface when it is not seen steeper than this
    depth_noise: float = 0.006  # and what noise may add to their depth step, at 1 m; it grows with the square
    max_incidence: float = 80.0  # a steeper sight than this is a mixed pixel, not a surface
    rim_pixels: int = 3  # a part that never gets deeper into the mask than this is spill or fringe
    min_part: float = 0.02  # smaller parts are dropped, share of the largest
    reach: float = 0.5  # a part with a wider gap in depth to the largest than this many sizes of it is another object
    slope: float = (
        1.5  # and this many times its distance beside the largest: a lying thing goes on away from the camera
    )


def on_object(depth: FloatImage, mask: BoolImage, pixel_size: float, config: StrayConfig) -> BoolImage:
    """The mask pixels [H, W] whose depth belongs to the object that most of the mask shows.

    `depth` is z in metres, NaN where unknown; `pixel_size` is the width of a pixel at 1 m distance, 1 / focal length.
    Pixels outside the mask are looked at as neighbours only. Works on the mask's bounding box.
    """
    kept = np.zeros_like(mask)
    box = _bounding_box(mask, margin=2)
    kept[box] = _on_object(depth[box], mask[box], pixel_size, config)
    return kept


def _on_object(depth: FloatImage, mask: BoolImage, pixel_size: float, config: StrayConfig) -> BoolImage:
    candidates = mask & np.isfinite(depth) & ~_is_mixed(depth, pixel_size, config)
    parts, count = _parts(depth, candidates, pixel_size, config)
    if count == 0:
        return candidates
    wanted = _wanted_parts(depth, mask, parts, pixel_size=pixel_size, config=config)
    return np.concatenate([[False], wanted])[parts]


def _is_mixed(depth: FloatImage, pixel_size: float, config: StrayConfig) -> BoolImage:
    """Pixels where the depth changes steeply on both sides, as it does nowhere on a surface that a camera can see."""
    limit = np.tan(np.radians(config.max_incidence)) * pixel_size * depth
    with np.errstate(invalid="ignore"):
        mixed: BoolImage = np.maximum(_smaller_step(depth, 0), _smaller_step(depth, 1)) > limit
    return mixed


def _smaller_step(depth: FloatImage, axis: int) -> FloatImage:
    """The smaller of the two depth steps to the neighbours along an axis; 0 at the border, NaN counts as none."""
    step = np.abs(np.diff(depth, axis=axis))
    step = np.where(np.isnan(step), np.inf, step)
    pad = [(0, 0), (0, 0)]
    pad[axis] = (1, 1)
    both = np.pad(step, pad, constant_values=0)
    smaller = np.minimum(both[1:], both[:-1]) if axis == 0 else np.minimum(both[:, 1:], both[:, :-1])
    return np.where(np.isinf(smaller), 0, smaller).astype(np.float32)


def _parts(
    depth: FloatImage, candidates: BoolImage, pixel_size: float, config: StrayConfig
) -> tuple[NDArray[np.int32], int]:
    """Number from 1 of the depth-connected part of each pixel, [H, W], 0 = none, and how many there are.

    Pixels sit on the even cells of a grid of twice the size, the links to their four neighbours between them, so that
    one pass of image labelling finds the connected parts of the pixel graph.
    """
    h, w = depth.shape
    grid = np.zeros((2 * h - 1, 2 * w - 1), np.bool_)
    grid[::2, ::2] = candidates
    for dv, du in ((0, 1), (1, 0)):
        grid[dv::2, du::2] |= _joined(depth, candidates, (dv, du), pixel_size=pixel_size, config=config)
    labels, count = ndimage.label(grid)
    return np.where(candidates, labels[::2, ::2], 0), int(count)


def _step_limit(depth: FloatImage, pixel_size: float, config: StrayConfig) -> FloatImage:
    """Largest depth step in metres between neighbours on one surface."""
    limit: FloatImage = (
        np.tan(np.radians(config.surface_incidence)) * pixel_size * depth + config.depth_noise * depth**2
    )
    return limit


def _joined(
    depth: FloatImage, candidates: BoolImage, offset: tuple[int, int], *, pixel_size: float, config: StrayConfig
) -> BoolImage:
    """Where two candidate pixels at this offset lie on one surface."""
    dv, du = offset
    h, w = depth.shape
    here, there = (slice(0, h - dv), slice(0, w - du)), (slice(dv, h), slice(du, w))
    limit = _step_limit(depth[here], pixel_size, config)
    with np.errstate(invalid="ignore"):
        joined: BoolImage = candidates[here] & candidates[there] & (np.abs(depth[here] - depth[there]) < limit)
    return joined


def _wanted_parts(
    depth: FloatImage, mask: BoolImage, parts: NDArray[np.int32], *, pixel_size: float, config: StrayConfig
) -> NDArray[np.bool_]:
    """Which parts [count] belong to the object: the largest, and others that are large, deep in the mask and near."""
    index = np.arange(1, parts.max() + 1)
    sizes = ndimage.sum_labels(np.ones_like(parts), parts, index)
    nearest, farthest = _depth_ranges(depth, parts)
    inset = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    deepest = ndimage.maximum(inset, parts, index)
    rim = min(config.rim_pixels, 0.6 * inset.max())  # a thin object is rim all over
    largest = int(np.argmax(sizes))
    extent = np.sqrt(sizes[largest]) * pixel_size * nearest[largest]
    gap = np.maximum(nearest - farthest[largest], nearest[largest] - farthest)
    beside = ndimage.minimum(ndimage.distance_transform_edt(parts != largest + 1), parts, index) * pixel_size * nearest
    near = gap < config.reach * max(extent, 0.02) + config.slope * beside
    wanted = near & (sizes >= config.min_part * sizes[largest]) & (deepest > rim)
    wanted[largest] = True
    return np.asarray(wanted, np.bool_)


def _depth_ranges(depth: FloatImage, parts: NDArray[np.int32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nearest and farthest depth [count] of each part, a twentieth of its pixels left out at either end."""
    inside = parts > 0
    order = np.lexsort((depth[inside], parts[inside]))
    ordered, part = depth[inside][order], parts[inside][order]
    first = np.flatnonzero(np.diff(part, prepend=0))
    size = np.diff(np.append(first, len(part)))
    cut = size // 20
    return ordered[first + cut].astype(np.float64), ordered[first + size - 1 - cut].astype(np.float64)


def _bounding_box(mask: BoolImage, margin: int) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(rows[0] - margin, 0), rows[-1] + margin + 1),
        slice(max(columns[0] - margin, 0), columns[-1] + margin + 1),
    )
