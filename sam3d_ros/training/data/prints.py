"""Printed labels by seed: pictures of bands, shapes, words and bar codes, and how they lie on a surface."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from ..synthetic.textures import Array, decal, lettering
from .design import Skin
from .paint import colour

Picture = NDArray[np.uint8]  # [H, W, 4]
SYLLABLES = (
    "ba",
    "co",
    "di",
    "fe",
    "gu",
    "ka",
    "lo",
    "mi",
    "na",
    "or",
    "pe",
    "ra",
    "so",
    "ti",
    "un",
    "ve",
    "wa",
    "xi",
    "yo",
)


def label(rng: Generator, width: int = 220, height: int = 260) -> Picture:
    """A random opaque print."""
    page = Image.new("RGBA", (width, height), _ink(rng))
    pen = ImageDraw.Draw(page)
    for _ in range(rng.integers(1, 5)):
        _shape(pen, rng, width, height)
    for _ in range(rng.integers(1, 4)):
        _word(page, rng)
    if rng.random() < 0.5:
        _lines(pen, rng, width, height)
    return np.asarray(page)


def wrapped(skin: Skin, picture: Picture, low: float, high: float, *, turn: float = 0.0, copies: int = 1) -> Skin:
    """The skin with a print around z between two heights."""

    def albedo(p: Array) -> Array:
        angle = (np.arctan2(p[:, 1], p[:, 0]) / (2 * np.pi) * copies + turn) % 1
        printed, cover = decal(picture, angle, (p[:, 2] - low) / (high - low))
        return np.where((cover > 0.5)[:, None], printed, skin.albedo(p))

    return Skin(albedo, skin.finish)


def boxed(skin: Skin, rng: Generator, centre: ArrayLike, size: ArrayLike) -> Skin:
    """The skin with a print on each side of a box: the same on opposite sides."""
    middle, extent = np.asarray(centre, float), np.asarray(size, float)
    pictures = [label(rng) if rng.random() < 0.85 else None for _ in range(3)]

    def albedo(p: Array) -> Array:
        q = (p - middle) / extent
        facing = np.argmax(np.abs(q), axis=1)
        color = np.array(skin.albedo(p))
        for axis, (u, v) in enumerate(((1, 2), (0, 2), (0, 1))):
            picture = pictures[axis]
            if picture is None:
                continue
            on = facing == axis
            along = np.sign(q[on, axis]) * q[on, u] * (-1 if axis == 1 else 1)
            printed, cover = decal(picture, along + 0.5, q[on, v] + 0.5)
            color[on] = np.where((cover > 0.5)[:, None], printed, color[on])
        return color

    return Skin(albedo, skin.finish)


def patched(skin: Skin, picture: Picture, centre: ArrayLike, size: tuple[float, float], axis: int = 0) -> Skin:
    """The skin with one flat print that is seen from the positive side of an axis."""
    middle = np.asarray(centre, float)
    u, v = ((1, 2), (0, 2), (0, 1))[axis]

    def albedo(p: Array) -> Array:
        q = p - middle
        printed, cover = decal(picture, q[:, u] / size[0] + 0.5, q[:, v] / size[1] + 0.5)
        return np.where(((cover > 0.5) & (q[:, axis] > 0))[:, None], printed, skin.albedo(p))

    return Skin(albedo, skin.finish)


def _ink(rng: Generator) -> tuple[int, int, int, int]:
    r, g, b = (int(255 * c) for c in np.clip(colour(rng), 0, 1))
    return (r, g, b, 255)


def _shape(pen: ImageDraw.ImageDraw, rng: Generator, width: int, height: int) -> None:
    x, y = rng.uniform(-0.2, 0.9) * width, rng.uniform(-0.2, 0.9) * height
    w, h = rng.uniform(0.15, 0.9) * width, rng.uniform(0.1, 0.6) * height
    kind = int(rng.integers(4))
    if kind == 0:
        pen.ellipse((x, y, x + w, y + h), fill=_ink(rng))
    elif kind == 1:
        pen.rectangle((x, y, x + w, y + h), fill=_ink(rng))
    elif kind == 2:
        pen.rectangle((0, y, width, y + h / 2), fill=_ink(rng))
    else:
        pen.polygon([(x, y), (x + w, y + h / 3), (x + w / 2, y + h)], fill=_ink(rng))


def _word(page: Image.Image, rng: Generator) -> None:
    text = "".join(rng.choice(SYLLABLES, rng.integers(2, 4)))
    words = lettering(text.upper() if rng.random() < 0.5 else text, _ink(rng)[:3], int(rng.uniform(18, 60)))
    words = words.resize((min(words.width, page.width - 10), words.height))
    spot = (int(rng.integers(0, max(page.width - words.width, 1))), int(rng.integers(0, page.height - words.height)))
    page.alpha_composite(words, spot)


def _lines(pen: ImageDraw.ImageDraw, rng: Generator, width: int, height: int) -> None:
    """Small print, or a bar code."""
    x, y = rng.uniform(0.05, 0.5) * width, rng.uniform(0.5, 0.8) * height
    if rng.random() < 0.5:
        pen.rectangle((x, y, x + 70, y + 45), fill=(250, 250, 250, 255))
        for bar in np.cumsum(rng.uniform(2, 6, 14)):
            pen.line((x + bar, y + 4, x + bar, y + 40), fill=(10, 10, 10, 255), width=int(rng.integers(1, 3)))
        return
    ink = _ink(rng)
    for row in range(5):
        pen.line((x, y + 8 * row, x + rng.uniform(40, 100), y + 8 * row), fill=ink, width=3)
