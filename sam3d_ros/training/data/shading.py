"""Light on what rays have met: one soft lamp with shadows, a second one, and a sky dimmed in corners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from .casting import Hits, RayScene
from .poses import Array, dot

LIFT = 4e-4  # m, start of a shadow ray above its surface
CORNER = 0.12  # m, how far corners darken each other


@dataclass(frozen=True, slots=True, eq=False)
class Lamps:
    """Light of a scene, linear colours."""

    at: Array  # [3] m, world
    size: float  # m, of the lamp
    key: Array  # [3]
    fill_direction: Array  # [3] unit, towards the second lamp
    fill: Array  # [3]
    sky: Array  # [3]


@dataclass(frozen=True, slots=True, eq=False)
class Shaded:
    """Light that comes back, and what a depth sensor cares about."""

    color: NDArray[np.float32]  # [H, W, 3] linear, unexposed
    facing: NDArray[np.float32]  # [H, W] cosine to the camera
    gloss: NDArray[np.float32]  # [H, W] highlight
    darkness: NDArray[np.float32]  # [H, W] 1 - luminance of the surface


def draw_lamps(rng: Generator) -> Lamps:
    """A lamp somewhere above, warm or cold, hard or soft."""
    turn, lift = rng.uniform(0, 2 * np.pi, 2), np.radians(rng.uniform([25, 5], [85, 60]))
    toward = np.stack([np.cos(lift) * np.cos(turn), np.cos(lift) * np.sin(turn), np.sin(lift)], axis=1)
    warmth = rng.uniform(-0.15, 0.15)
    key = rng.uniform(0.5, 1.2) * np.array([1 + warmth, 1.0, 1 - warmth])
    sky = rng.uniform(0.25, 0.8) * np.array([1 - warmth, 1.0, 1 + warmth])
    return Lamps(
        toward[0] * rng.uniform(1.0, 3.0), rng.uniform(0.05, 0.7), key, toward[1], rng.uniform(0, 0.4) * key, sky
    )


def shade(rays: RayScene, hits: Hits, shape: tuple[int, int], lamps: Lamps, eye: Array, rng: Generator) -> Shaded:
    """Light of each pixel of an image whose rays met `hits`; Blinn-Phong highlights, one shadow ray a pixel."""
    on = np.flatnonzero(hits.owner >= 0)
    n, p = hits.normals[on], hits.points[on]
    toward = (eye - p).astype(np.float32)
    toward /= np.sqrt(dot(toward, toward))[:, None]
    spread = np.float32(lamps.size) * (rng.random((len(on), 3), np.float32) - np.float32(0.5))
    lamp = spread + lamps.at.astype(np.float32) - p
    lamp /= np.sqrt(dot(lamp, lamp))[:, None]
    start = p + np.float32(LIFT) * n
    lit = _smooth(~rays.blocked(start, lamp, 4.0), on, shape, 0.9)
    open_ = _smooth(~rays.blocked(start, n + _sphere(rng, len(on)), CORNER), on, shape, 2.2)
    facing = np.clip(dot(n, toward), 0, 1)
    half = lamp + toward
    half /= np.sqrt(dot(half, half))[:, None]
    shine = hits.specular[on] * np.clip(dot(n, half), 0, 1) ** hits.shininess[on] * lit
    rim = 0.3 * hits.specular[on] * (1 - facing) ** 5
    key = np.clip(dot(n, lamp), 0, 1) * lit
    fill = np.clip(n @ lamps.fill_direction.astype(np.float32), 0, 1) * (0.4 + 0.6 * open_)
    sky = (0.65 + 0.35 * n[:, 2]) * (0.3 + 0.7 * open_)
    sources = np.stack([lamps.key, lamps.fill, lamps.sky]).astype(np.float32)
    light = np.stack([key, fill, sky], axis=1) @ sources
    color = hits.albedo[on] * light + np.stack([shine, rim], axis=1) @ sources[[0, 2]]
    darkness = 1 - (hits.albedo[on] @ np.array([0.2126, 0.7152, 0.0722], np.float32)) ** np.float32(1 / 2.2)
    planes = [_image(values, on, shape) for values in (color, facing, shine, darkness)]
    return Shaded(*planes)


def _image(values: NDArray[np.floating], on: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.float32]:
    image = np.zeros((shape[0] * shape[1], *values.shape[1:]), np.float32)
    image[on] = values
    return image.reshape(*shape, *values.shape[1:])


def _smooth(
    values: NDArray[np.bool_], on: NDArray[np.int64], shape: tuple[int, int], sigma: float
) -> NDArray[np.float32]:
    """Mean of single-ray answers over neighbouring pixels."""
    image = np.ones(shape[0] * shape[1], np.float32)
    image[on] = values
    smooth: NDArray[np.float32] = gaussian_filter(image.reshape(shape), sigma).reshape(-1)[on]
    return smooth


def _sphere(rng: Generator, count: int) -> NDArray[np.float32]:
    """Unit vectors [N, 3] in all directions; added to a normal they are spread by the cosine."""
    v = rng.standard_normal((count, 3), np.float32)
    v *= (np.float32(0.999) / np.sqrt(dot(v, v)))[:, None]
    return v
