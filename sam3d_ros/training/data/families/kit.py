"""What families share: walls, handles, profiles, random choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from ...synthetic.sdf import Array, Sdf, arc, lathe, rounded_line, tube
from ..design import Skin
from ..outlines import bent
from ..prints import label, wrapped

T = TypeVar("T")


def oneof(rng: Generator, *makers: Callable[[Generator], Skin]) -> Skin:
    """A material by one of these makers."""
    return makers[int(rng.integers(len(makers)))](rng)


def pick(rng: Generator, *things: T) -> T:
    return things[int(rng.integers(len(things)))]


def wall_of(rng: Generator, size: float) -> float:
    """Half the thickness of a wall: real ones, but never too thin for a mesh of an object of this size."""
    return float(max(rng.uniform(0.0009, 0.0025), 0.0095 * size))


def cup_line(rng: Generator, radius: float, height: float) -> Array:
    """Wall of a cup from the middle of its bottom to its rim, (radius, height) [N, 2]."""
    foot, belly, lip = rng.uniform(0.6, 1.0), rng.uniform(0.85, 1.12), rng.uniform(0.92, 1.1)
    side = bent([(radius * foot, 0.006), (radius * belly, height * 0.5), (radius * lip, height)], 10)
    return np.concatenate([[(0.0, 0.0035), (radius * foot * 0.9, 0.0035)], side])


def radius_at(line: ArrayLike, height: float) -> float:
    """Radius of the outer wall at a height."""
    points = np.asarray(line, float)[1:]
    return float(np.interp(height, points[:, 1], points[:, 0]))


def ear(rng: Generator, line: ArrayLike, height: float) -> Sdf:
    """Handle at +x of a vessel with this wall: a bow from below the rim to above the foot."""
    high, low = height * rng.uniform(0.72, 0.88), height * rng.uniform(0.18, 0.35)
    a, b = radius_at(line, high), radius_at(line, low)
    out = max(a, b) + height * rng.uniform(0.22, 0.4)
    bow = bent(
        [
            (a - 0.001, 0, high),
            (out * 0.98, 0, high * 0.98),
            (out, 0, (high + low) / 2),
            (b + 0.5 * (out - b), 0, low),
            (b - 0.001, 0, low * 1.05),
        ],
        13,
    )
    return tube(bow, np.full(13, rng.uniform(0.0035, 0.0065)))


def bar_handle(rng: Generator, start: float, height: float, length: float) -> Sdf:
    """Straight handle that leaves a vessel at +x and rises a little."""
    rise, thick = rng.uniform(0, 0.035), rng.uniform(0.006, 0.01)
    path = [
        (start - 0.002, 0, height - 0.004),
        (start + 0.3 * length, 0, height + 0.7 * rise),
        (start + length, 0, height + rise),
    ]
    return tube(path, [thick * 0.7, thick, thick * rng.uniform(0.9, 1.3)])


def hoop(centre: ArrayLike, width: float, rise: float, radius: float) -> Sdf:
    """Bow in the x-z plane, of a bucket or basket."""
    ring = arc((0, 0, 0), 1.0, (0, 180), 13) * [width, 1, rise] + np.asarray(centre, float)
    return tube(ring, np.full(13, radius))


def turned(points: ArrayLike, count: int = 20, radius: float = 0.0) -> Sdf:
    """Smooth solid of revolution through (radius, height) points."""
    return lathe(rounded_line(points, count), radius)


def maybe_printed(rng: Generator, skin: Skin, low: float, high: float, chance: float = 0.45) -> Skin:
    """At times with a print around it."""
    if rng.random() > chance:
        return skin
    return wrapped(skin, label(rng), low, high, turn=rng.random(), copies=int(rng.integers(1, 4)))
