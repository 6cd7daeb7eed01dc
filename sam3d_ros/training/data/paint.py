"""Random materials: colours, patterns and finishes as solid textures."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.random import Generator

from ..synthetic.props import GLAZE, METAL, PAPER, PLASTIC, TIMBER, Finish
from ..synthetic.props import SKIN as PEEL
from ..synthetic.surface import Albedo
from ..synthetic.textures import Array, mix, noise, wood
from .design import Skin

MATT = Finish(0.03, 8.0)


def colour(rng: Generator, *, saturation: tuple[float, float] = (0.25, 0.95)) -> Array:
    """A colour [3], 0-1: mostly vivid, at times white, grey or black."""
    kind = rng.random()
    if kind < 0.12:
        return np.full(3, rng.uniform(0.82, 0.97)) - rng.uniform(0, 0.06, 3)
    if kind < 0.2:
        return np.full(3, rng.uniform(0.05, 0.6)) + rng.uniform(-0.02, 0.03, 3)
    return hue(rng, (0.0, 1.0), saturation=saturation)


def hue(
    rng: Generator,
    hues: tuple[float, float],
    *,
    saturation: tuple[float, float] = (0.5, 0.9),
    value: tuple[float, float] = (0.35, 0.95),
) -> Array:
    """A colour [3] of this range of hues (0 red, 1/3 green, 2/3 blue)."""
    return np.array(colorsys.hsv_to_rgb(rng.uniform(*hues) % 1.0, rng.uniform(*saturation), rng.uniform(*value)))


def plain(color: Array, finish: Finish = PLASTIC) -> Skin:
    """One colour all over."""
    return Skin(lambda p: np.broadcast_to(color, p.shape), finish)


def mottled(color: Array, rng: Generator, finish: Finish = PLASTIC, strength: float = 0.12) -> Skin:
    """One colour with soft lighter and darker patches."""
    seed, cell = int(rng.integers(1 << 30)), float(rng.uniform(0.01, 0.04))
    other = np.clip(color * (1 - 2 * strength) + rng.uniform(-0.04, 0.04, 3), 0, 1)
    return Skin(lambda p: mix(color, other, noise(p, cell, seed)), finish)


def plastic(rng: Generator) -> Skin:
    return mottled(colour(rng), rng, PLASTIC, 0.04)


def rubber(rng: Generator) -> Skin:
    dark = rng.random() < 0.6
    return mottled(np.full(3, rng.uniform(0.05, 0.2)) if dark else colour(rng), rng, MATT, 0.08)


def metal(rng: Generator) -> Skin:
    tint = np.array([[1, 1, 1], [1, 0.98, 0.94], [0.95, 0.78, 0.5], [0.93, 0.62, 0.5]])[
        rng.choice(4, p=[0.5, 0.3, 0.1, 0.1])
    ]
    return mottled(rng.uniform(0.35, 0.85) * tint, rng, METAL, 0.1)


def timber(rng: Generator) -> Skin:
    light = hue(rng, (0.06, 0.11), saturation=(0.35, 0.65), value=(0.5, 0.88))
    dark, seed, turn = light * rng.uniform(0.45, 0.8), int(rng.integers(1 << 30)), int(rng.integers(3))
    return Skin(lambda p: wood(np.roll(p, turn, axis=-1), light, dark, seed), TIMBER)


def ceramic(rng: Generator) -> Skin:
    """Glazed: plain, banded, speckled, or dipped in a second colour."""
    return patterned(rng, GLAZE, kinds=("plain", "bands", "specks", "dip", "patches", "stripes", "dots"))


def card(rng: Generator) -> Skin:
    kraft = hue(rng, (0.07, 0.1), saturation=(0.3, 0.5), value=(0.5, 0.75))
    return mottled(kraft if rng.random() < 0.5 else colour(rng), rng, PAPER, 0.06)


def cloth(rng: Generator) -> Skin:
    return patterned(rng, MATT, kinds=("plain", "weave", "stripes", "patches", "checks"))


def any_skin(rng: Generator) -> Skin:
    """Any of the materials."""
    return (plastic, rubber, metal, timber, ceramic, card, cloth, painted)[int(rng.integers(8))](rng)


def painted(rng: Generator) -> Skin:
    """Paint or print with any pattern."""
    return patterned(rng, (PLASTIC, GLAZE, PAPER)[int(rng.integers(3))])


def peel(color: Array, rng: Generator, strength: float = 0.15) -> Skin:
    """Fruit or bread: mottled in two sizes."""
    seed, spots = int(rng.integers(1 << 30)), np.clip(color * rng.uniform(0.4, 0.8), 0, 1)

    def albedo(p: Array) -> Array:
        base = mix(color, np.clip(color * (1 - 2 * strength), 0, 1), noise(p, 0.025, seed))
        return mix(base, spots, 0.5 * np.clip((noise(p, 0.004, seed + 1) - 0.75) * 6, 0, 1))

    return Skin(albedo, PEEL)


KINDS = ("plain", "bands", "stripes", "specks", "dip", "patches", "checks", "weave", "dots", "fade")


def patterned(rng: Generator, finish: Finish, kinds: tuple[str, ...] = KINDS) -> Skin:
    """Two colours in one of the patterns."""
    first, second = colour(rng), colour(rng)
    kind, cell = kinds[int(rng.integers(len(kinds)))], float(rng.uniform(0.006, 0.03))
    seed, axis = int(rng.integers(1 << 30)), int(rng.choice(3, p=[0.15, 0.15, 0.7]))
    if kind == "plain":
        return mottled(first, rng, finish, 0.05)
    phase, sharp = rng.uniform(0, 1, 3), float(rng.uniform(6, 30))
    weight = _weights(kind, cell, seed, axis, phase)
    return Skin(lambda p: mix(first, second, np.clip(0.5 + sharp * weight(p), 0, 1)), finish)


def _weights(kind: str, cell: float, seed: int, axis: int, phase: Array) -> Albedo:
    """Signed strength [N] of the second colour at points, by the pattern."""
    other = (axis + 1) % 3
    waves = {
        "bands": lambda p: np.sin(np.pi * (p[:, axis] / cell / 2 + phase[0])) - 0.3,
        "stripes": lambda p: np.sin(np.arctan2(p[:, 1], p[:, 0]) * np.round(4 + 10 * phase[1])),
        "specks": lambda p: noise(p, cell / 6, seed) - 0.82,
        "dip": lambda p: (p[:, axis] - (phase[0] - 0.3) * 0.1) * 40 + noise(p, cell, seed) - 0.5,
        "patches": lambda p: noise(p, cell, seed) - 0.55,
        "checks": lambda p: np.sin(np.pi * p[:, axis] / cell) * np.sin(np.pi * p[:, other] / cell),
        "weave": lambda p: 0.05 * np.sin(2500 * p[:, axis]) * np.sin(2500 * p[:, other]),
        "dots": lambda p: np.sin(np.pi * p / cell).prod(axis=1) - 0.45,
        "fade": lambda p: (p[:, axis] - (phase[0] - 0.3) * 0.1) * 0.6,
    }
    return waves[kind]
