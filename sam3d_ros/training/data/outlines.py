"""Outlines in the plane and curves in space from which families extrude, turn and bend their parts."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

TO_X = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])  # turns the z axis of a solid onto +x
TO_Y = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # turns the z axis of a solid onto +y
FLIP = np.diag([1.0, -1.0, -1.0])  # upside down


def about_z(angle: float) -> Array:
    """Rotation [3, 3] about z, radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def about_y(angle: float) -> Array:
    """Rotation [3, 3] about y, radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1.0, 0], [-s, 0, c]])


def regular(corners: int, radius: float, phase: float = 0.0) -> Array:
    """Regular polygon [corners, 2] inside a circle."""
    angle = phase + 2 * np.pi * np.arange(corners) / corners
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def gear(teeth: int, inner: float, outer: float) -> Array:
    """Outline [4 * teeth, 2] of a spur gear."""
    step = 2 * np.pi / teeth
    angle = (np.arange(teeth)[:, None] + np.array([-0.28, -0.16, 0.16, 0.28])).ravel() * step
    radius = np.tile([inner, outer, outer, inner], teeth)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def star(points: int, inner: float, outer: float) -> Array:
    """Star polygon [2 * points, 2]."""
    angle = np.pi * np.arange(2 * points) / points
    radius = np.where(np.arange(2 * points) % 2, inner, outer)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def blob(rng: Generator, radius: float, corners: int = 28) -> Array:
    """Smooth closed outline [corners, 2] with random lobes."""
    angle = 2 * np.pi * np.arange(corners) / corners
    lobes = sum(rng.normal(0, 0.22 / k) * np.cos(k * angle + rng.uniform(0, 6.3)) for k in range(1, 5))
    size = radius * np.clip(1 + lobes, 0.45, 1.6)
    return np.stack([size * np.cos(angle), size * np.sin(angle)], axis=1)


def rectangle(width: float, height: float) -> Array:
    """Corners [4, 2] of a rectangle about the origin."""
    return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [width / 2, height / 2]


def oval(width: float, height: float, corners: int = 28, power: float = 2.0) -> Array:
    """Superellipse [corners, 2]: power 2 is an ellipse, 4 a soft rectangle."""
    angle = 2 * np.pi * np.arange(corners) / corners
    c, s = np.cos(angle), np.sin(angle)
    return np.stack(
        [width / 2 * np.sign(c) * np.abs(c) ** (2 / power), height / 2 * np.sign(s) * np.abs(s) ** (2 / power)], axis=1
    )


def helix(radius: float, height: float, turns: float, count: int) -> Array:
    """Points [count, 3] of a coil about z from height 0."""
    t = np.linspace(0, 1, count)
    return np.stack(
        [radius * np.cos(2 * np.pi * turns * t), radius * np.sin(2 * np.pi * turns * t), height * t], axis=1
    )


def bent(points: ArrayLike, count: int) -> Array:
    """Smooth curve [count, D] through points [N, D], N at least 3 (Catmull-Rom)."""
    knots = np.asarray(points, float)
    padded = np.concatenate([[2 * knots[0] - knots[1]], knots, [2 * knots[-1] - knots[-2]]])
    where = np.linspace(0, len(knots) - 1 - 1e-9, count)
    index, t = where.astype(int), (where % 1)[:, None]
    a, b, c, d = (padded[index + k] for k in range(4))
    curve: Array = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return curve
