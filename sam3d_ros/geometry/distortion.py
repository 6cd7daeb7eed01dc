"""Cameras with lens distortion, and images freed from it: the distortion models of sensor_msgs/CameraInfo.

Formulas: OpenCV documentation, "Camera Calibration and 3D Reconstruction" (plumb_bob and rational_polynomial:
Brown-Conrady with radial and tangential terms) and "Fisheye camera model" (equidistant: Kannala and Brandt, PAMI 2006);
REP 104.
Coordinates x, y are those of the ray x/z, y/z before the lens; distorted coordinates are behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from .camera import PinholeCamera

Float64Array = NDArray[np.float64]
DistortionModel = Literal["none", "plumb_bob", "rational_polynomial", "equidistant"]

_COUNTS: dict[DistortionModel, tuple[int, ...]] = {
    "plumb_bob": (4, 5),
    "rational_polynomial": (8,),
    "equidistant": (4,),
}
RotationRows = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
IDENTITY_ROWS: RotationRows = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

_ITERATIONS = 50
_CONVERGED = 1e-9  # of a ray slope; a ten-thousandth of a pixel is 1e-7


class DistortionError(ValueError):
    """A distortion model that is unknown, or coefficients that do not fit it."""


@dataclass(frozen=True, slots=True)
class DistortedCamera:
    """Camera of a raw image: pinhole intrinsics K and the distortion of its lens."""

    pinhole: PinholeCamera
    model: DistortionModel
    coefficients: tuple[float, ...]  # order of CameraInfo.d: k1 k2 p1 p2 [k3 [k4 k5 k6]]; equidistant k1 k2 k3 k4

    @property
    def is_distorted(self) -> bool:
        return self.model != "none"

    def distort(self, slopes: ArrayLike) -> Float64Array:
        """Ray slopes x/z, y/z [..., 2] as the lens bends them."""
        array: Float64Array = np.array(slopes, np.float64)
        if self.model == "none":
            return array
        bend = _bend_equidistant if self.model == "equidistant" else _bend_polynomial
        bent: Float64Array = bend(array, self.coefficients)
        return bent

    def undistort(self, distorted: ArrayLike) -> Float64Array:
        """Ray slopes x/z, y/z [..., 2] before the lens; NaN where the model has no ray for the point.

        Newton's method with a numerical derivative.
        """
        wanted = np.asarray(distorted, np.float64)
        slopes: Float64Array = wanted.copy()
        for _ in range(_ITERATIONS):
            step = _newton_step(self, slopes, wanted)
            slopes = slopes + step
            if not np.nanmax(np.abs(step), initial=0.0) > _CONVERGED:
                break
        failed = ~(np.abs(self.distort(slopes) - wanted).max(axis=-1) < _CONVERGED)
        slopes[failed] = np.nan
        return slopes

    def project(self, p_cam: ArrayLike) -> Float64Array:
        """Pixel coordinates u, v [..., 2] in the raw image of points [..., 3]; NaN for points not in front."""
        points = np.asarray(p_cam, np.float64)
        z = np.where(points[..., 2:] > 1e-9, points[..., 2:], np.nan)
        return self._pixels(self.distort(points[..., :2] / z))

    def _pixels(self, slopes: Float64Array) -> Float64Array:
        camera = self.pinhole
        pixels: Float64Array = slopes * np.array([camera.fx, camera.fy]) + np.array([camera.cx, camera.cy])
        return pixels


def distorted_camera(pinhole: PinholeCamera, model: str, coefficients: Sequence[float]) -> DistortedCamera:
    """The camera that CameraInfo's K (`pinhole`), distortion_model and d describe.

    No coefficients, or zeros only, mean an image without distortion whatever the model's name, as drivers use it and as
    ROS's image_geometry reads it. Raises DistortionError for other models and for a wrong number of coefficients.
    """
    values = tuple(float(value) for value in coefficients)
    if not np.isfinite(values).all():
        raise DistortionError(f"distortion coefficients must be finite, got {values}")
    if not any(values):
        return DistortedCamera(pinhole, "none", ())
    known = next((name for name in _COUNTS if name == model), None)
    if known is None:
        raise DistortionError(f"distortion model {model!r} is none of {', '.join(_COUNTS)}: rectify the image")
    kept = _without_trailing_zeros(values, max(_COUNTS[known]))
    if len(kept) not in _COUNTS[known]:
        allowed = " or ".join(map(str, _COUNTS[known]))
        raise DistortionError(f"distortion model {model} needs {allowed} coefficients, got {len(values)}: {values}")
    return DistortedCamera(pinhole, known, kept)


def _without_trailing_zeros(values: tuple[float, ...], count: int) -> tuple[float, ...]:
    """The first `count` values when all others are zero: drivers pad to the 12 or 14 coefficients that OpenCV knows."""
    return values[:count] if len(values) > count and not any(values[count:]) else values


def _bend_polynomial(slopes: Float64Array, coefficients: tuple[float, ...]) -> Float64Array:
    k1, k2, p1, p2, k3, k4, k5, k6 = (*coefficients, *[0.0] * (8 - len(coefficients)))
    x, y = slopes[..., 0], slopes[..., 1]
    r2 = x * x + y * y
    radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
    bent_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    bent_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return np.stack([bent_x, bent_y], axis=-1)


def _bend_equidistant(slopes: Float64Array, coefficients: tuple[float, ...]) -> Float64Array:
    k1, k2, k3, k4 = coefficients
    radius = np.linalg.norm(slopes, axis=-1, keepdims=True)
    theta = np.arctan(radius)
    t2 = theta * theta
    bent = theta * (1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4))))
    scale: Float64Array = np.divide(bent, radius, out=np.ones_like(radius), where=radius > 1e-12)
    return slopes * scale


def _newton_step(camera: DistortedCamera, slopes: Float64Array, wanted: Float64Array) -> Float64Array:
    """What to add to the slopes so that they bend to the wanted ones, by the local derivative; at most half a unit."""
    here, width = camera.distort(slopes), 1e-6
    along_x = (camera.distort(slopes + np.array([width, 0.0])) - here) / width
    along_y = (camera.distort(slopes + np.array([0.0, width])) - here) / width
    a, c, b, d = along_x[..., 0], along_x[..., 1], along_y[..., 0], along_y[..., 1]
    ex, ey = wanted[..., 0] - here[..., 0], wanted[..., 1] - here[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.stack([d * ex - b * ey, a * ey - c * ex], axis=-1) / (a * d - b * c)[..., None]
    return np.clip(step, -0.5, 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class Rectifier:
    """Look-up table from the pixels of a pinhole image to those of the raw one; made once per camera.

    Every output pixel asks the raw image at the place where its ray arrives: colour is mixed from four neighbours,
    depth and labels take the nearest, for an average of two surfaces or two labels is neither. Depth along the optical
    axis keeps its value, unless rectification turns that axis.
    """

    camera: PinholeCamera  # of the rectified images
    source_size: tuple[int, int]  # height and width of raw images
    mixing: Any  # sparse [H W, raw H W]: the shares of the four raw pixels around each ray; all zero outside
    nearest: NDArray[np.intp]  # [H, W] flat index of the nearest raw pixel
    inside: NDArray[np.bool_]  # [H, W] whether the raw image holds it
    depth_factor: NDArray[np.float32] | None  # [H, W] rectified depth per raw depth; None where both axes are the same

    def color(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Rectified colour [H, W, 3]; black outside the raw image."""
        self._check(image)
        channels = image.shape[2]
        mixed = self.mixing @ image.reshape(-1, channels).astype(np.float32)
        mixed += 0.5  # round; the cast cuts off
        rounded: NDArray[np.uint8] = mixed.astype(np.uint8)
        return rounded.reshape(*self.inside.shape, channels)

    def depth(self, image: NDArray[np.generic]) -> NDArray[np.generic]:
        """Rectified depth [H, W] in the encoding it came in; nothing measured (0 or NaN) outside the raw image."""
        picked = self._nearest(image, np.nan if image.dtype.kind == "f" else 0)
        if self.depth_factor is None:
            return picked
        scaled: NDArray[Any] = picked.astype(np.float32) * self.depth_factor
        if image.dtype.kind == "f":
            return scaled.astype(image.dtype)
        return np.where(scaled < np.iinfo(np.uint16).max, np.rint(scaled), 0).astype(image.dtype)

    def labels(self, image: NDArray[np.generic]) -> NDArray[np.generic]:
        """Rectified label image [H, W]; background (0) outside the raw image."""
        return self._nearest(image, 0)

    def _nearest(self, image: NDArray[np.generic], outside: float) -> NDArray[np.generic]:
        self._check(image)
        picked: NDArray[np.generic] = image.reshape(-1)[self.nearest]
        picked[~self.inside] = outside
        return picked

    def _check(self, image: NDArray[np.generic]) -> None:
        if image.shape[:2] != self.source_size:
            raise DistortionError(f"image of shape {list(image.shape)} is not of its camera's size {self.source_size}")


@lru_cache(maxsize=8)
def rectifier(
    source: DistortedCamera, target: PinholeCamera | None = None, rotation: RotationRows = IDENTITY_ROWS
) -> Rectifier:
    """The look-up table for images of `source`; `target` is the camera of the result, by default with the same K.

    `rotation` are the rows of CameraInfo's R: directions of the raw camera into those of the rectified one, other than
    the identity for stereo pairs. Where the lens model folds back on itself far outside the image, pixels count as not
    seen.
    """
    camera = target or source.pinhole
    directions = camera.rays() @ np.array(rotation)  # R transposed times each ray: back into the raw camera
    ahead = directions[..., 2:] > 1e-6
    slopes = np.divide(
        directions[..., :2], directions[..., 2:], out=np.full_like(directions[..., :2], 1e6), where=ahead
    )
    pixels = source._pixels(source.distort(slopes))
    width, height = source.pinhole.width, source.pinhole.height
    whole = np.floor(pixels + 0.5)
    inside = ((whole >= 0) & (whole < [width, height])).all(axis=-1) & _outward(source, slopes)
    inside &= ahead[..., 0]
    bounded = np.clip(np.nan_to_num(whole), 0, [width - 1, height - 1]).astype(np.intp)
    nearest = bounded[..., 1] * width + bounded[..., 0]
    factor = None if rotation == IDENTITY_ROWS else (1 / np.where(ahead, directions[..., 2:], 1))[..., 0]
    depth_factor = None if factor is None else factor.astype(np.float32)
    return Rectifier(camera, (height, width), _mixing(pixels, inside, (height, width)), nearest, inside, depth_factor)


def _mixing(pixels: Float64Array, inside: NDArray[np.bool_], size: tuple[int, int]) -> Any:
    """Bilinear interpolation at pixel coordinates u, v [H, W, 2] as a sparse matrix over the raw pixels.

    One product mixes all channels; gathering the four neighbours with index arrays takes four times as long.
    """
    height, width = size
    last = np.array([width - 1, height - 1])
    placed = np.clip(np.nan_to_num(pixels).reshape(-1, 2), 0, last)
    corner = np.minimum(placed.astype(np.int32), np.maximum(last - 1, 0))
    right, down = (placed - corner).T
    (left, top), (next_column, next_row) = corner.T, np.minimum(corner + 1, last).T
    columns = [top * width + left, top * width + next_column, next_row * width + left, next_row * width + next_column]
    shares = np.stack([(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down], axis=1)
    data = (shares * inside.reshape(-1, 1)).astype(np.float32).reshape(-1)
    starts = np.arange(0, len(data) + 1, 4, dtype=np.int32)
    indices = np.stack(columns, axis=1).astype(np.int32).reshape(-1)
    return csr_matrix((data, indices, starts), shape=(len(placed), height * width))


def _outward(source: DistortedCamera, slopes: Float64Array) -> NDArray[np.bool_]:
    """Whether a ray a little farther from the axis still arrives farther out: false beyond the fold of the model."""
    outward: NDArray[np.bool_] = (
        np.einsum("...i,...i->...", source.distort(slopes * 1.001) - source.distort(slopes), slopes) >= 0
    )
    return outward
