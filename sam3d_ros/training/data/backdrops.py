"""Pictures that cover tables, walls and floors: made once per process, then only looked up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..synthetic.props import PAPER
from ..synthetic.surface import Array
from ..synthetic.textures import planks, wood
from .paint import colour, hue, patterned

POOL = 96  # different pictures
SIDE = 256  # pixels


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """A tiled picture on a plane."""

    picture: NDArray[np.float32]  # [SIDE, SIDE, 3] linear light
    tile: float  # m, edge of one tile

    def at(self, u: Array, v: Array) -> NDArray[np.float32]:
        """Linear colour [N, 3] at plane coordinates in metres."""
        row = np.floor(v / self.tile * SIDE).astype(np.int64) % SIDE
        column = np.floor(u / self.tile * SIDE).astype(np.int64) % SIDE
        return self.picture[row, column]


def draw_backdrop(rng: Generator) -> Backdrop:
    """One of the pool at a random size, mostly calm."""
    return Backdrop(_picture(int(rng.integers(POOL))), float(rng.uniform(0.3, 1.2)))


@lru_cache(maxsize=POOL)
def _picture(number: int) -> NDArray[np.float32]:
    rng = np.random.default_rng([77, number])
    v, u = np.mgrid[0 : 1 : SIDE * 1j, 0 : 1 : SIDE * 1j]
    points = np.stack([u.ravel(), v.ravel(), np.full(u.size, rng.random())], axis=1) * 0.6
    kind = number % 6
    if kind == 0:
        light = hue(rng, (0.05, 0.11), saturation=(0.2, 0.6), value=(0.4, 0.9))
        color = (planks if rng.random() < 0.5 else wood)(points, light, light * 0.6, number)
    elif kind == 1:
        color = patterned(rng, PAPER).albedo(points * 0.5)
    else:
        color = np.broadcast_to(colour(rng, saturation=(0.02, 0.5)), points.shape)
    shade = 1 + rng.uniform(0.02, 0.25) * _cloud(rng, rng.uniform(0.8, 2.4)).reshape(-1, 1)
    picture: NDArray[np.float32] = np.clip(color * shade, 0.01, 1).reshape(SIDE, SIDE, 3).astype(np.float32) ** 2.2
    return picture


def _cloud(rng: Generator, slope: float) -> Array:
    """Noise [SIDE, SIDE] of unit deviation that repeats; the larger the slope, the smoother."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    frequency[0, 0] = 1
    spectrum = np.fft.fft2(rng.standard_normal((SIDE, SIDE))) / frequency**slope
    spectrum[0, 0] = 0
    field = np.real(np.fft.ifft2(spectrum))
    cloud: Array = field / field.std()
    return cloud
