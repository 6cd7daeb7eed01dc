"""The completed solid: what mirrors and the support suggest, cut down by what the view disproves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import marching_cubes

from ..support import Support
from .evidence import Evidence
from .sections import make_sections
from .symmetry import MirrorPlane

Float64Array = NDArray[np.float64]

_TOLERANCE = 0.004  # m, mirrored points deeper in free space are dropped
_SEEN_SHARE = 0.1  # of the points on the piece that most of them lie on
_SHELL = 0.003  # m, least thickness of a wall
_MARGIN = 2  # cells around the solid
_BLUR = 0.6  # cells; hides the steps of pixels, keeps edges


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """What is believed of the hidden side, in the stand frame."""

    visible: Float64Array  # [M, 3]
    points: Float64Array  # [N, 3] visible and mirrored
    mirrors: tuple[MirrorPlane, ...]  # the believed ones, at most two
    extrude: bool  # the solid reaches down to its base as it is above
    yaw: float  # rad, of a face or symmetry plane
    bottom: float  # m, height of the base


@dataclass(frozen=True, slots=True)
class Resolution:
    """Fineness of the solid."""

    cells: int  # along the longest edge
    min_cell: float  # m
    directions: int  # of the cross-sections' supporting lines


def make_hypothesis(
    visible: Float64Array,
    planes: tuple[MirrorPlane, MirrorPlane],
    evidence: Evidence,
    support: Support,
    *,
    bottom: float,
    max_violation: float,
) -> Hypothesis:
    """Mirror what is visible at the planes that are believed; without two of them, extrude to the base as well."""
    believed = tuple(plane for plane in planes if plane.violation < max_violation)
    copies = [plane.mirror(visible) for plane in believed]
    if len(believed) == 2:
        copies.append(believed[1].mirror(copies[0]))
    kept = [copy[evidence.field(support.T_cam_stand.apply(copy)) < _TOLERANCE] for copy in copies]
    points = np.concatenate([visible, *kept])
    return Hypothesis(visible, points, believed, extrude=len(believed) < 2, yaw=planes[0].angle, bottom=bottom)


def extract_surface(
    hypothesis: Hypothesis, evidence: Evidence, support: Support, resolution: Resolution
) -> tuple[Float64Array, NDArray[np.int64]] | None:
    """Vertices [V, 3] (stand frame) and outward triangles [T, 3] of the solid; None where nothing is left of it."""
    axes, cell = _grid(hypothesis, resolution)
    field = _solid_field(hypothesis, axes, resolution.directions)
    _add_shell(field, axes, evidence=evidence, support=support, thickness=max(_SHELL, 1.5 * cell))
    _carve(field, axes, evidence=evidence, support=support, cell=cell)
    _drop_unseen_pieces(field, axes, hypothesis.visible)
    field = ndimage.gaussian_filter(field.clip(-3 * cell, 3 * cell), _BLUR)
    for side in (field, np.moveaxis(field, 1, 0), np.moveaxis(field, 2, 0)):
        side[[0, -1]] = cell  # free all around, so that the surface closes
    field[np.abs(field) < 1e-3 * cell] = 1e-3 * cell  # no vertex on a grid point: no triangles without area
    if field.min() >= 0:
        return None
    vertices, triangles, _, _ = marching_cubes(field, 0.0)
    origin = np.array([axis[0] for axis in axes])
    return vertices * cell + origin, triangles[:, ::-1].astype(np.int64)


def _grid(hypothesis: Hypothesis, resolution: Resolution) -> tuple[tuple[Float64Array, ...], float]:
    """Cell centres along x, y, z and the cell size."""
    low, high = hypothesis.points.min(axis=0), hypothesis.points.max(axis=0)
    low[2] = min(hypothesis.bottom, high[2])
    cell = max(float((high - low).max()) / resolution.cells, resolution.min_cell)
    axes = tuple(
        np.arange(a - _MARGIN * cell, b + (_MARGIN + 0.5) * cell, cell) for a, b in zip(low, high, strict=True)
    )
    return axes, cell


def _solid_field(hypothesis: Hypothesis, axes: tuple[Float64Array, ...], directions: int) -> NDArray[np.float32]:
    """Signed distance bound [X, Y, Z] of the believed solid, negative inside."""
    x, y, z = axes
    sections = make_sections(hypothesis.points, z, directions=directions, yaw=hypothesis.yaw)
    if hypothesis.extrude:
        sections = sections.extruded_down()
    top = hypothesis.points[:, 2].max()
    ends = np.maximum(hypothesis.bottom - z, z - top).astype(np.float32)
    solid: NDArray[np.float32] = np.maximum(sections.field(x, y), ends)
    return solid


def _drop_unseen_pieces(field: NDArray[np.float32], axes: tuple[Float64Array, ...], visible: Float64Array) -> None:
    """Empty, in place, the pieces of the solid on which next to none of the visible points [M, 3] lie."""
    pieces, count = ndimage.label(field < 0, structure=np.ones((3, 3, 3)))
    if count < 2:
        return
    cell = axes[0][1] - axes[0][0]
    origin = np.array([axis[0] for axis in axes])
    index = np.rint((visible - origin) / cell).astype(np.int64).clip(0, np.array(field.shape) - 1)
    near = ndimage.grey_dilation(pieces, size=3)[tuple(index.T)]
    votes = np.bincount(near, minlength=count + 1)
    votes[0] = 0
    seen = votes >= _SEEN_SHARE * votes.max()
    field[(pieces > 0) & ~seen[pieces]] = cell


def _add_shell(
    field: NDArray[np.float32],
    axes: tuple[Float64Array, ...],
    *,
    evidence: Evidence,
    support: Support,
    thickness: float,
) -> None:
    """Lower the field, in place, to hold a thin wall behind all that was seen, whatever is believed of the rest."""
    index = np.nonzero((field > -thickness) & (field < 0.05))
    p_stand = np.stack([axis[i] for axis, i in zip(axes, index, strict=True)], axis=1)
    behind = evidence.depth_behind(support.T_cam_stand.apply(p_stand))
    wall = np.abs(behind - thickness / 2) - thickness / 2
    field[index] = np.fmin(field[index], wall)


def _carve(
    field: NDArray[np.float32],
    axes: tuple[Float64Array, ...],
    *,
    evidence: Evidence,
    support: Support,
    cell: float,
) -> None:
    """Raise the field, in place, to what the view proves free; cells far outside the solid are left out."""
    index = np.nonzero(field < 2 * cell)
    p_stand = np.stack([axis[i] for axis, i in zip(axes, index, strict=True)], axis=1)
    seen = evidence.field(support.T_cam_stand.apply(p_stand))
    field[index] = np.maximum(field[index], seen)
