"""Pictures of Gaussians on the CPU, for previews and checks: sorted alpha splatting in plain NumPy.

Zwicker et al., EWA Splatting (2002), as Kerbl et al. (2023) use it: each ellipsoid is projected to an ellipse by the
camera's local Jacobian, and ellipses are blended from front to back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .camera import PinholeCamera
from .gaussians import Gaussians
from .transforms import SE3, Sim3

Float64Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_NEAR = 1e-3  # metres; nearer than this a projection says little
_REACH = 3.0  # standard deviations beyond which an ellipse is not drawn
_FAINTEST, _DENSEST = 1 / 255, 0.99  # alpha: less is not drawn, more would leave no light to share out
_BATCH = 20_000  # Gaussians blended at a time


@dataclass(frozen=True, slots=True, eq=False)
class Splatting:
    """What the camera sees of Gaussians."""

    color: NDArray[np.uint8]  # [H, W, 3] sRGB over the background
    alpha: NDArray[np.float32]  # [H, W] 0-1, share of the light that the Gaussians hold back
    depth: NDArray[np.float32]  # [H, W] metres, mean over what is seen, NaN where nothing is


@dataclass(frozen=True, slots=True, eq=False)
class _Ellipses:
    """Projected Gaussians from near to far."""

    centres: Float64Array  # [N, 2] u, v
    inverse: Float64Array  # [N, 3] entries uu, uv, vv of the inverse covariance, 1/pixel^2
    radii: Float64Array  # [N, 2] half of the box in u, v
    values: Float64Array  # [N, 4] red, green, blue 0-1, depth
    opacities: Float64Array  # [N]


def render_gaussians(
    gaussians: Gaussians,
    T_cam_obj: SE3,
    camera: PinholeCamera,
    *,
    background: tuple[int, int, int] = (255, 255, 255),
    blur: float = 0.1,
) -> Splatting:
    """Picture of Gaussians (object frame) at their pose. `blur` in pixel^2 keeps small ones visible (the 2D filter).

    Meant for small pictures: about a second for a hundred thousand Gaussians.
    """
    ellipses = _projected(gaussians, T_cam_obj, camera, blur)
    light = np.ones(camera.height * camera.width)
    sums = np.zeros((len(light), 4))
    for start in range(0, len(ellipses.centres), _BATCH):
        pixel, owner, alpha = _drawn(ellipses, slice(start, start + _BATCH), camera)
        _blend(sums, light, pixel, alpha=alpha, values=ellipses.values[owner])
    alpha = 1 - light
    color = sums[:, :3] * 255 + light[:, None] * np.array(background)
    depth = np.divide(sums[:, 3], alpha, out=np.full_like(alpha, np.nan), where=alpha > _FAINTEST)
    size = (camera.height, camera.width)
    picture = np.rint(color).clip(0, 255).astype(np.uint8).reshape(*size, 3)
    return Splatting(picture, alpha.astype(np.float32).reshape(size), depth.astype(np.float32).reshape(size))


def _projected(gaussians: Gaussians, T_cam_obj: SE3, camera: PinholeCamera, blur: float) -> _Ellipses:
    seen = gaussians.transformed(Sim3.from_se3(T_cam_obj))
    order = np.argsort(seen.means[:, 2], kind="stable")
    order = order[seen.means[order, 2] > _NEAR]
    x, y, z = seen.means[order].astype(np.float64).T
    axes = (seen.rotations()[order] * seen.scales[order, None, :]).astype(np.float64)  # [N, 3, 3] columns of one sigma
    across = camera.fx * (axes[:, 0] - (x / z)[:, None] * axes[:, 2]) / z[:, None]  # [N, 3] pixels
    down = camera.fy * (axes[:, 1] - (y / z)[:, None] * axes[:, 2]) / z[:, None]
    uu, vv, uv = (across**2).sum(1) + blur, (down**2).sum(1) + blur, (across * down).sum(1)
    determinant = uu * vv - uv**2
    return _Ellipses(
        centres=np.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], axis=1),
        inverse=np.stack([vv, -uv, uu], axis=1) / determinant[:, None],
        radii=_REACH * np.sqrt(np.stack([uu, vv], axis=1)),
        values=np.concatenate([seen.colors[order] / 255.0, z[:, None]], axis=1),
        opacities=seen.opacities[order].astype(np.float64),
    )


def _drawn(ellipses: _Ellipses, part: slice, camera: PinholeCamera) -> tuple[IntArray, IntArray, Float64Array]:
    """Pixel, ellipse and alpha of everything that part of the ellipses draws, ellipse by ellipse."""
    limits = np.array([camera.width, camera.height])
    low = np.clip(np.ceil(ellipses.centres[part] - ellipses.radii[part]), 0, limits).astype(np.int64)
    high = np.clip(np.floor(ellipses.centres[part] + ellipses.radii[part]) + 1, 0, limits).astype(np.int64)
    width, height = np.maximum(high - low, 0).T
    count = width * height
    local = np.repeat(np.arange(len(count)), count)
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    u, v = low[local, 0] + step % width[local], low[local, 1] + step // width[local]
    owner = local + (part.start or 0)
    du, dv = u - ellipses.centres[owner, 0], v - ellipses.centres[owner, 1]
    a, b, c = ellipses.inverse[owner].T
    square = a * du**2 + 2 * b * du * dv + c * dv**2
    alpha = np.minimum(ellipses.opacities[owner] * np.exp(-square / 2), _DENSEST)
    kept = (alpha >= _FAINTEST) & (square <= _REACH**2)
    return (v * camera.width + u)[kept], owner[kept], alpha[kept]


def _blend(
    sums: Float64Array, light: Float64Array, pixel: IntArray, *, alpha: Float64Array, values: Float64Array
) -> None:
    """Add what is drawn, from near to far, to the sums [P, 4] and take it from the light [P] left, in place."""
    order = np.argsort(pixel, kind="stable")
    pixel, alpha, values = pixel[order], alpha[order], values[order]
    passed = np.cumsum(np.log1p(-alpha))
    before = np.concatenate([[0.0], passed])[:-1]
    first = np.concatenate([[True], pixel[1:] != pixel[:-1]])[: len(pixel)]
    before_pixel = before[first][np.cumsum(first) - 1]
    weight = alpha * light[pixel] * np.exp(before - before_pixel)
    for channel in range(values.shape[1]):
        sums[:, channel] += np.bincount(pixel, weight * values[:, channel], len(light))
    light *= np.exp(np.bincount(pixel, np.log1p(-alpha), len(light)))
