"""Depth images and organised clouds to pointmaps: the one way into the package for anything a depth camera says.

A pointmap is float32 [H, W, 3] in metres in the camera optical frame (x right, y down, z forward), NaN in all three
coordinates where nothing was measured. Depth is the distance along the optical axis, not along the ray.

In memory one coordinate image follows the other: they are written and read several times as quickly as interleaved.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .camera import PinholeCamera

Float32Array = NDArray[np.float32]


class PointmapError(ValueError):
    """A depth image or cloud that cannot become a pointmap of the camera."""


def depth_to_metres(depth: NDArray[np.generic]) -> Float32Array:
    """Depth [H, W] as float32 metres, NaN where nothing was measured; always a new array.

    uint16 is millimetres with 0 = nothing measured; floats are metres with NaN, +Inf (too far), -Inf (too near), zero
    and negative numbers = nothing measured (REP 117, REP 118). Raises PointmapError for other types.
    """
    if depth.ndim != 2:
        raise PointmapError(f"a depth image has two dimensions, got shape {list(depth.shape)}")
    if depth.dtype.kind == "u" and depth.dtype.itemsize == 2:
        metres: Float32Array = np.divide(depth, 1000, dtype=np.float32)
        metres[depth == 0] = np.nan
    elif depth.dtype.kind == "f":
        metres = depth.astype(np.float32)
        metres[~((metres > 0) & (metres < math.inf))] = np.nan
    else:
        raise PointmapError(f"depth must be uint16 millimetres or float metres, got {depth.dtype}")
    return metres


def depth_to_pointmap(
    depth: NDArray[np.generic],
    camera: PinholeCamera,
    *,
    depth_camera: PinholeCamera | None = None,
    min_depth: float = 0.0,
    max_depth: float = math.inf,
) -> Float32Array:
    """Pointmap [H, W, 3] of `camera` from its registered depth image; depth outside min..max metres becomes NaN.

    With `depth_camera` the depth image has that camera's size and intrinsics; both cameras share centre and axes (that
    is what registered means). Each pixel of `camera` then takes the nearest depth pixel on its ray: depths of an edge
    are never averaged, and what lies outside the depth camera's view is NaN. Encodings as in `depth_to_metres`.
    Raises PointmapError where sizes do not fit.
    """
    metres = depth_to_metres(depth)
    _check_size(metres, depth_camera or camera)
    if depth_camera is not None and depth_camera != camera:
        metres = _look_up(metres, depth_camera, camera)
    if min_depth > 0 or max_depth < math.inf:
        with np.errstate(invalid="ignore"):
            metres[(metres < min_depth) | (metres > max_depth)] = np.nan
    right, down = _ray_slopes(camera)
    planes = np.empty((3, camera.height, camera.width), np.float32)
    np.multiply(metres, right, out=planes[0])
    np.multiply(metres, down, out=planes[1])
    planes[2] = metres
    pointmap: Float32Array = planes.transpose(1, 2, 0)
    return pointmap


def pointmap_to_depth(pointmap: Float32Array) -> Float32Array:
    """Depth [H, W] in metres, NaN where nothing was measured."""
    depth: Float32Array = pointmap[..., 2].copy()
    return depth


def pointmap_to_depth_mm(pointmap: Float32Array) -> NDArray[np.uint16]:
    """Depth [H, W] as 16UC1 says it: millimetres, 0 where nothing was measured or where it does not fit 16 bits."""
    depth_mm = np.rint(np.nan_to_num(pointmap[..., 2], nan=0.0) * 1000)
    return np.where(depth_mm <= np.iinfo(np.uint16).max, depth_mm, 0).astype(np.uint16)


def resample_pointmap(pointmap: Float32Array, camera: PinholeCamera, target: PinholeCamera) -> Float32Array:
    """The pointmap of `camera` for the pixels of `target`, which has the same centre and axes; nearest depth."""
    return depth_to_pointmap(pointmap[..., 2], target, depth_camera=camera)


def _check_size(depth: Float32Array, camera: PinholeCamera) -> None:
    if depth.shape != (camera.height, camera.width):
        raise PointmapError(
            f"depth of shape {list(depth.shape)} does not fit its camera of {camera.height} rows and {camera.width} "
            "columns; depth of another size needs the depth camera's own intrinsics"
        )


def _look_up(metres: Float32Array, source: PinholeCamera, target: PinholeCamera) -> Float32Array:
    """Nearest pixel of `source` on the ray of each pixel of `target`; rows and columns separate, as axes are shared."""
    columns, seen_columns = _nearest_pixels((target.width, target.fx, target.cx), (source.width, source.fx, source.cx))
    rows, seen_rows = _nearest_pixels((target.height, target.fy, target.cy), (source.height, source.fy, source.cy))
    found = metres[rows[:, None], columns]
    found[~seen_rows, :] = np.nan
    found[:, ~seen_columns] = np.nan
    return found


def _nearest_pixels(
    target: tuple[int, float, float], source: tuple[int, float, float]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Index in the source of each target pixel along one axis, and whether the source sees it."""
    count, focal, centre = target
    source_count, source_focal, source_centre = source
    position = (np.arange(count) - centre) / focal * source_focal + source_centre
    index = np.floor(position + 0.5).astype(np.intp)
    seen = (index >= 0) & (index < source_count)
    return np.clip(index, 0, source_count - 1), seen


@lru_cache(maxsize=16)
def _ray_slopes(camera: PinholeCamera) -> tuple[Float32Array, Float32Array]:
    """x/z of each column [W] and y/z of each row [H, 1]."""
    right = ((np.arange(camera.width) - camera.cx) / camera.fx).astype(np.float32)
    down = ((np.arange(camera.height) - camera.cy) / camera.fy).astype(np.float32)[:, None]
    return right, down
