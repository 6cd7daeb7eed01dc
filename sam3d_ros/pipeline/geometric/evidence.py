"""What one view proves: where there is free space, where the surface is, and what stays unknown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...geometry import PinholeCamera
from ..frame import Frame
from ..observation import Observation

Float64Array = NDArray[np.float64]
FloatImage = NDArray[np.float64]
BoolImage = NDArray[np.bool_]

UNKNOWN = -0.1  # m, field value where nothing was seen: deep inside as far as this view can tell
_BEHIND = 0.006  # m, a background reading must be this far behind a point to prove it free


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Signed field of the view around one object, on the crop of the image that holds it.

    Positive = seen to be free, in metres from the surface or from the outline; negative = hidden behind the surface or
    behind something else.
    """

    camera: PinholeCamera
    corner_uv: NDArray[np.int64]  # [2] of the crop
    surface: FloatImage  # [h, w] smoothed depth of the object, NaN elsewhere
    facing: FloatImage  # [h, w] cosine between sight and surface normal, for surface pixels
    outline: FloatImage  # [h, w] pixels from the outline, negative inside it
    background: FloatImage  # [h, w] depth of what else is seen; +inf where a background pixel has no reading

    def field(self, p_cam: Float64Array) -> Float64Array:
        """Field value [N] in metres of points [N, 3] in the optical frame."""
        row, column, inside = self._pixel(p_cam)
        z = p_cam[:, 2]
        outline = self.outline[row, column] * z / self.camera.fx
        surface = self.surface[row, column]
        behind = (surface - z) * self.facing[row, column]
        within = np.where(np.isnan(surface), outline, np.maximum(behind, outline))
        free_outside = self.background[row, column] > z + _BEHIND
        value = np.where(self.outline[row, column] <= 0, within, np.where(free_outside, outline, UNKNOWN))
        return np.where(inside & (z > 1e-6), np.maximum(value, UNKNOWN), UNKNOWN)

    def depth_behind(self, p_cam: Float64Array) -> Float64Array:
        """Metres [N] by which points [N, 3] lie behind the measured surface, along its normal; NaN beside it."""
        row, column, inside = self._pixel(p_cam)
        behind = (p_cam[:, 2] - self.surface[row, column]) * self.facing[row, column]
        return np.where(inside, behind, np.nan)

    def look_up(self, p_cam: Float64Array) -> tuple[Float64Array, Float64Array, NDArray[np.int64]]:
        """Measured depth and outline distance [N] at points [N, 3], NaN and +inf out of the image, and pixels u, v."""
        row, column, inside = self._pixel(p_cam)
        depth = np.where(inside, self.surface[row, column], np.nan)
        outline = np.where(inside, self.outline[row, column], np.inf)
        return depth, outline, np.stack([column, row], axis=1) + self.corner_uv

    def _pixel(self, p_cam: Float64Array) -> tuple[NDArray[np.int64], NDArray[np.int64], BoolImage]:
        """Row and column of the crop, clamped, and whether the point is within the image."""
        uv = np.nan_to_num(self.camera.project(p_cam), nan=-1e6)
        inside = (uv > -0.5).all(axis=1) & (uv[:, 0] < self.camera.width - 0.5) & (uv[:, 1] < self.camera.height - 0.5)
        h, w = self.surface.shape
        u, v = (np.rint(uv).astype(np.int64) - self.corner_uv).T
        return v.clip(0, h - 1), u.clip(0, w - 1), inside


def gather_evidence(frame: Frame, observation: Observation, *, margin: float = 0.35) -> Evidence:
    """Evidence of a frame about one object; the crop is larger than the mask by `margin` of its size."""
    rows, columns = _crop(observation.mask, margin)
    mask = observation.mask[rows, columns]
    depth = frame.pointmap[rows, columns, 2].astype(np.float64)
    kept = np.zeros_like(observation.mask)
    kept[observation.pixels[:, 1], observation.pixels[:, 0]] = True
    kept = kept[rows, columns]
    surface = smooth_depth(np.where(kept, depth, np.nan))
    silhouette = _silhouette(mask, kept, np.isnan(depth))
    labels = frame.labels[rows, columns]
    missing = np.where(labels == 0, np.inf, 0.0)
    return Evidence(
        camera=frame.camera,
        corner_uv=np.array([columns.start, rows.start]),
        surface=surface,
        facing=_facing(surface, frame.camera),
        outline=_signed_distance(silhouette),
        background=np.where(np.isnan(depth), missing, depth),
    )


def _silhouette(mask: BoolImage, kept: BoolImage, missing: BoolImage) -> BoolImage:
    """The object's outline in the image without fringes: what was kept, mask pixels without a reading, small gaps."""
    body = kept | (mask & missing)
    closed = ndimage.binary_closing(np.pad(body, 4), iterations=3)[4:-4, 4:-4]
    filled = ndimage.binary_fill_holes(body | (closed & (mask | missing)))
    smooth: BoolImage = ndimage.gaussian_filter((filled & (mask | missing)).astype(np.float32), 1.2) > 0.5
    smooth |= kept & ndimage.binary_erosion(mask, iterations=2)
    return smooth


def smooth_depth(depth: FloatImage, *, radius: int = 2, jump: float = 0.01) -> FloatImage:
    """Mean over the neighbours that lie on the same surface; NaN stays NaN."""
    padded = np.pad(depth, radius, constant_values=np.nan)
    total, count = np.zeros_like(depth), np.zeros_like(depth)
    h, w = depth.shape
    with np.errstate(invalid="ignore"):
        for dv in range(2 * radius + 1):
            for du in range(2 * radius + 1):
                other = padded[dv : dv + h, du : du + w]
                near = np.abs(other - depth) < jump
                total += np.where(near, other, 0.0)
                count += near
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _facing(surface: FloatImage, camera: PinholeCamera) -> FloatImage:
    """Cosine between the sight and the surface normal, from the depth gradient; at least 0.2, 0.5 where unknown."""
    step_v, step_u = np.gradient(surface)
    footprint = surface / camera.fx
    cosine = footprint / np.sqrt(footprint**2 + step_u**2 + step_v**2)
    return np.nan_to_num(cosine, nan=0.5).clip(0.2, 1.0)


def _signed_distance(silhouette: BoolImage) -> FloatImage:
    if not silhouette.any():
        return np.full(silhouette.shape, 1e3)
    outside: FloatImage = ndimage.distance_transform_edt(~silhouette)
    inside: FloatImage = ndimage.distance_transform_edt(silhouette)
    return np.where(silhouette, 0.5 - inside, outside - 0.5)


def _crop(mask: BoolImage, margin: float) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    extra = 4 + int(margin * max(np.ptp(rows), np.ptp(columns)))
    return (
        slice(max(rows[0] - extra, 0), min(rows[-1] + extra + 1, mask.shape[0])),
        slice(max(columns[0] - extra, 0), min(columns[-1] + extra + 1, mask.shape[1])),
    )
