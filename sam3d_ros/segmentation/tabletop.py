"""A label image of what stands on a plane, by classical means: support plane, clusters above it, stable ids.

Made for a table seen by a camera at arm's length. Objects that touch are separated where their surfaces meet in a dent;
two boxes that stand flush side by side stay one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3
from .config import TabletopConfig
from .regions import split
from .stable_ids import StableIds
from .support import NoTabletop, Support, find_support

__all__ = [
    "NoTabletop",
    "Tabletop",
    "TabletopConfig",
    "TabletopError",
    "TabletopSegmenter",
    "find_tabletop",
    "segment_tabletop",
]


class TabletopError(ValueError):
    """No masks can be made of this frame; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Tabletop:
    """Masks and the plane that they stand on, camera optical frame."""

    labels: NDArray[np.int32]  # [H, W] 0 = background
    support: Support


def segment_tabletop(
    color: NDArray[np.uint8], pointmap: NDArray[np.float32], config: TabletopConfig | None = None
) -> NDArray[np.int32]:
    """Label image [H, W] of a single frame, the largest object first; zeros where nothing stands on the plane.

    Raises TabletopError where there is no support plane; `find_tabletop` says so as a value.
    """
    found = find_tabletop(color, pointmap, config)
    if isinstance(found, NoTabletop):
        raise TabletopError(found.reason)
    return found.labels


def find_tabletop(
    color: NDArray[np.uint8], pointmap: NDArray[np.float32], config: TabletopConfig | None = None
) -> Tabletop | NoTabletop:
    """Support plane and label image of a single frame, or the reason why there is none.

    `color` [H, W, 3] has the size of the pointmap [H, W, 3]; it takes no part yet, depth alone decides.
    """
    if color.shape != pointmap.shape:
        raise ValueError(f"colour is {list(color.shape)} but the pointmap is {list(pointmap.shape)}")
    config = config or TabletopConfig()
    support = find_support(pointmap, config)
    if isinstance(support, NoTabletop):
        return support
    half = np.ascontiguousarray(pointmap[::2, ::2])
    regions = split(half, _stands_on(half, support, config), support.plane, config)
    regions[regions > config.max_objects] = 0
    return Tabletop(_full_size(regions, pointmap, support, config), support)


class TabletopSegmenter:
    """Labels that stay with their object from frame to frame."""

    def __init__(self, config: TabletopConfig | None = None) -> None:
        self.config = config or TabletopConfig()
        self._ids = StableIds()

    def clear(self) -> None:
        """Forget all objects, after a jump of time; their labels are not given again."""
        self._ids.clear()

    def segment(
        self, color: NDArray[np.uint8], pointmap: NDArray[np.float32], *, T_ref_cam: SE3 | None = None
    ) -> Tabletop | NoTabletop:
        """Like `find_tabletop`, with the labels of earlier frames where objects overlap in space.

        With `T_ref_cam` objects are compared in that fixed frame, so that the camera may move freely; without, it may
        move by a part of an object's size from frame to frame.
        """
        found = find_tabletop(color, pointmap, self.config)
        if isinstance(found, NoTabletop):
            return found
        return Tabletop(self._ids.assign(found.labels, pointmap, T_ref_cam or SE3.identity()), found.support)


def _stands_on(points: NDArray[np.float32], support: Support, config: TabletopConfig) -> NDArray[np.bool_]:
    """Pixels that lie above the plane, not too high, and within its outline."""
    above = _above(points, support, config)
    rows, columns = np.nonzero(above)
    inside = support.beside(points[rows, columns]) <= config.plane_margin
    above[rows[~inside], columns[~inside]] = False
    return above


def _above(points: NDArray[np.float32], support: Support, config: TabletopConfig) -> NDArray[np.bool_]:
    normal = support.plane.normal_xyz.astype(np.float32)
    height = points @ normal + np.float32(support.plane.offset)
    depth = points[..., 2]
    noise = config.plane_distance / 2 * depth * depth
    with np.errstate(invalid="ignore"):
        above: NDArray[np.bool_] = (
            (height > config.min_height + noise)
            & (height < config.max_height)
            & (depth >= config.min_depth)
            & (depth <= config.max_depth)
        )
    return above


def _full_size(
    regions: NDArray[np.int32], pointmap: NDArray[np.float32], support: Support, config: TabletopConfig
) -> NDArray[np.int32]:
    """The regions at the size of the camera; pixels on the plane are left out, those without depth stay in."""
    height, width = pointmap.shape[:2]
    labels = np.repeat(np.repeat(regions, 2, axis=0), 2, axis=1)[:height, :width]
    labels[~_above(pointmap, support, config) & np.isfinite(pointmap[..., 2])] = 0
    return np.ascontiguousarray(labels)
