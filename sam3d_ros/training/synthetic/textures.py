"""Solid textures: colour as a function of the point, so that pictures are crisp at any resolution."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import map_coordinates

Array = NDArray[np.float64]
LATTICE = 32


def rgb(code: str) -> Array:
    """Colour 0-1 [3] of a hexadecimal code such as `d94f3d`."""
    return np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)]) / 255


def noise(points: ArrayLike, cell: float, seed: int) -> Array:
    """Smooth value noise 0-1 of points [..., D], with features of size `cell`; repeats after 32 cells."""
    p = np.asarray(points, float) / cell
    lattice = np.random.default_rng(seed).random((LATTICE,) * p.shape[-1])
    flat = p.reshape(-1, p.shape[-1]).T
    base = np.floor(flat)
    eased = flat - base
    eased = base + eased * eased * (3 - 2 * eased)
    return np.asarray(map_coordinates(lattice, eased, order=1, mode="grid-wrap")).reshape(p.shape[:-1])


def mix(first: ArrayLike, second: ArrayLike, weight: Array) -> Array:
    """From `first` at weight 0 to `second` at 1; colours [3] or [N, 3], weight [N]."""
    w = np.clip(weight, 0, 1)[:, None]
    mixed: Array = np.asarray(first) * (1 - w) + np.asarray(second) * w
    return mixed


def step(edge: float, values: Array, softness: float = 0.0006) -> Array:
    """0 below the edge, 1 above it, with a ramp of `softness`."""
    return np.clip((values - edge) / softness + 0.5, 0, 1)


def band(low: float, high: float, values: Array, softness: float = 0.0006) -> Array:
    """1 between two edges, else 0."""
    return step(low, values, softness) * (1 - step(high, values, softness))


def wood(points: Array, light: Array, dark: Array, seed: int) -> Array:
    """Long grain along x: wavy rings, fine fibres."""
    stretched = points * np.array([0.12, 1.0, 1.0])
    wave = noise(stretched, 0.03, seed) * 5 + points[..., 1] / 0.018
    ring = 0.5 + 0.5 * np.sin(wave * 2 * np.pi * 0.5)
    fibre = noise(points * np.array([0.05, 1.0, 1.0]), 0.0012, seed + 1)
    return mix(light, dark, 0.45 * ring**2 + 0.35 * fibre)


def planks(points: Array, light: Array, dark: Array, seed: int) -> Array:
    """Wooden table top of planks along x, each of its own tone."""
    width = 0.14
    row = np.floor(points[..., 1] / width)
    tone = np.random.default_rng(seed).uniform(-0.1, 0.1, 64)[row.astype(int) % 64]
    shifted = points + np.stack([row * 0.37, row * 0.0, row * 0.21], axis=-1)
    color = wood(shifted, light, dark, seed) * (1 + tone[..., None])
    joint = np.clip((0.0022 - width * (0.5 - np.abs(points[..., 1] / width - row - 0.5))) / 0.0016, 0, 1)
    top: Array = color * (1 - 0.5 * joint[..., None])
    return top


def plaster(points: Array, base: Array, seed: int) -> Array:
    """A painted wall or cloth: slight large and small variation."""
    tone = 0.94 + 0.08 * noise(points, 0.25, seed) + 0.04 * noise(points, 0.012, seed + 1)
    return base * tone[..., None]


def decal(image: NDArray[np.uint8], u: Array, v: Array) -> tuple[Array, Array]:
    """Colour [N, 3] and coverage [N] of an RGBA picture at u to the right and v upwards, both 0-1."""
    height, width = image.shape[:2]
    inside = (u >= 0) & (u < 1) & (v >= 0) & (v < 1)
    rows, columns = (1 - v) * (height - 1), u * (width - 1)
    planes = [map_coordinates(image[..., c] / 255.0, [rows, columns], order=1, mode="nearest") for c in range(4)]
    return np.stack(planes[:3], axis=-1), np.where(inside, planes[3], 0.0)


def lettering(text: str, color: tuple[int, int, int], height: int = 96) -> Image.Image:
    """The words as a transparent picture of this height in pixels."""
    font = ImageFont.load_default()
    left, top, right, bottom = font.getbbox(text)
    small = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
    ImageDraw.Draw(small).text((1 - left, 1 - top), text, fill=255, font=font)
    stencil = small.resize((max(1, small.width * height // small.height), height), Image.Resampling.BICUBIC)
    picture = Image.new("RGBA", stencil.size, (*color, 0))
    picture.putalpha(stencil.point(lambda value: max(0, min(255, (value - 90) * 4))))
    return picture
