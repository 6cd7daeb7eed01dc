"""Shapes without a name: breadth that named families cannot give."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy.spatial.transform import Rotation

from ...synthetic.sdf import Array, Sdf, blend, box, difference, lathe, rotated, shell, translated, tube, union
from ..design import Design, Family, Part, assembled
from ..outlines import bent, blob, gear, oval, regular, star
from ..paint import any_skin
from ..shapes import around, bumpy, cylinder, extrusion, hollow, intersection, sphere, superquadric, torus, twisted
from .kit import pick, wall_of


def _turn(rng: Generator) -> Array:
    return np.asarray(Rotation.random(random_state=int(rng.integers(1 << 30))).as_matrix())


def _solid(rng: Generator, size: float) -> Sdf:
    """One random primitive about the origin."""
    a, b, c = rng.uniform(0.35, 1.0, 3) * size / 2
    kind = int(rng.integers(7))
    if kind == 0:
        return box((0, 0, 0), (2 * a, 2 * b, 2 * c), 0.12 * min(a, b, c))
    if kind == 1:
        return cylinder(-a, a, b, top=b * rng.uniform(0.2, 1.0), edge=0.05 * b)
    if kind == 2:
        return superquadric((0, 0, 0), (a, b, c), (rng.uniform(0.25, 1.3), rng.uniform(0.25, 1.3)))
    if kind == 3:
        return torus((0, 0, 0), a, min(a * 0.5, b * 0.4))
    if kind == 4:
        return extrusion(regular(int(rng.integers(3, 8)), a), -b, b, 0.05 * a)
    if kind == 5:
        return tube([(-a, 0, 0), (a, 0, 0)], [b * 0.7, b * rng.uniform(0.1, 0.7)])
    return sphere((0, 0, 0), a)


def primitive(rng: Generator) -> Design:
    return assembled([(_solid(rng, rng.uniform(0.05, 0.2)), any_skin(rng))])


def carved(rng: Generator) -> Design:
    """Primitives added to and cut from each other."""
    size = rng.uniform(0.06, 0.2)
    parts: list[Part] = []
    for _ in range(rng.integers(2, 5)):
        solid = translated(
            rotated(_solid(rng, size * rng.uniform(0.5, 0.9)), _turn(rng)), rng.uniform(-0.22, 0.22, 3) * size
        )
        parts.append((solid, any_skin(rng)))
    cuts = [
        translated(rotated(_solid(rng, size * rng.uniform(0.3, 0.6)), _turn(rng)), rng.uniform(-0.4, 0.4, 3) * size)
        for _ in range(rng.integers(0, 4))
    ]
    whole = assembled(parts, pick(rng, 0.0, 0.01 * size, 0.1 * size))
    core = sphere((0, 0, 0), size * 0.12)
    return Design(union(difference(whole.shape, *cuts), core), whole.skin)


def metaballs(rng: Generator) -> Design:
    size, count = rng.uniform(0.06, 0.2), int(rng.integers(3, 8))
    spots = np.cumsum(rng.normal(0, 0.16, (count, 3)), axis=0) * size
    radii = rng.uniform(0.12, 0.25, count) * size
    balls = [sphere(spot, radius) for spot, radius in zip(spots - spots.mean(axis=0), radii, strict=True)]
    link = tube(spots - spots.mean(axis=0), radii * 0.5)
    return assembled([(blend(0.1 * size, link, *balls), any_skin(rng))])


def chain(rng: Generator) -> Design:
    """Superquadrics in a row that turns, each of its own material."""
    size, count = rng.uniform(0.04, 0.09), int(rng.integers(2, 5))
    parts: list[Part] = []
    at, direction = np.zeros(3), np.array([1.0, 0, 0])
    for _ in range(count):
        radii = rng.uniform(0.4, 1.0, 3) * size / 2
        solid = rotated(superquadric((0, 0, 0), radii, (rng.uniform(0.25, 1.2), rng.uniform(0.25, 1.2))), _turn(rng))
        parts.append((translated(solid, at), any_skin(rng)))
        direction = direction + rng.normal(0, 0.6, 3)
        at = at + direction / np.linalg.norm(direction) * radii.min() * 1.5
    return assembled(parts, 0.008)


def _outline(rng: Generator, radius: float) -> Array:
    kind = int(rng.integers(5))
    if kind == 0:
        return blob(rng, radius)
    if kind == 1:
        return star(int(rng.integers(3, 9)), radius * rng.uniform(0.4, 0.8), radius)
    if kind == 2:
        return oval(2 * radius, radius * rng.uniform(0.6, 2), power=rng.uniform(1.2, 8))
    return (
        regular(int(rng.integers(3, 9)), radius) if kind == 3 else gear(int(rng.integers(5, 14)), radius * 0.7, radius)
    )


def extruded(rng: Generator) -> Design:
    """Random outline pulled up: solid, with a hole, hollow from above, tapered by a twist."""
    radius, height = rng.uniform(0.025, 0.09), rng.uniform(0.01, 0.16)
    outline, skin = _outline(rng, radius), any_skin(rng)
    solid: Sdf = extrusion(outline, 0, height, 0.001)
    kind = rng.random()
    if kind < 0.3:
        wall = 2 * wall_of(rng, max(height, 2.5 * radius))
        solid = difference(solid, lambda p: np.maximum(extrusion(outline, -1, 1)(p) + wall, wall - p[..., 2]))
    elif kind < 0.45:
        solid = difference(solid, cylinder(-1, 1, radius * 0.3))
    elif kind < 0.7:
        solid = twisted(solid, rng.uniform(-3, 3), radius * 1.3)
    return assembled([(solid, skin)])


def lathed(rng: Generator) -> Design:
    """Random profile turned about z, solid or a thin vessel."""
    height, count = rng.uniform(0.04, 0.25), int(rng.integers(3, 7))
    radii = np.clip(np.cumsum(rng.normal(0, 0.18, count)) + 0.5, 0.12, 1) * rng.uniform(0.025, 0.08)
    line = bent(np.column_stack([radii, np.linspace(0.003, height, count)]), 24)
    line[:, 0] = np.maximum(line[:, 0], 0.006)
    if rng.random() < 0.6:
        wall = wall_of(rng, max(height, 2 * float(line[:, 0].max())))
        return assembled([(shell([(0, line[0, 1]), *line], wall), any_skin(rng))])
    return assembled([(lathe([(0, line[0, 1]), *line, (0, line[-1, 1])], 0.001), any_skin(rng))])


def knotted(rng: Generator) -> Design:
    """Bent tube: open, closed to a loop, or a knot."""
    size, count = rng.uniform(0.04, 0.1), 60
    t = np.linspace(0, 2 * np.pi, count)
    p, q = pick(rng, (2, 3), (1, 2), (1, 3), (2, 1))
    ring = 1 + 0.4 * np.cos(q * t)
    path = size * np.stack([ring * np.cos(p * t), ring * np.sin(p * t), 0.45 * np.sin(q * t)], axis=1)
    if rng.random() < 0.5:
        path = bent(np.cumsum(rng.normal(0, 0.5, (5, 3)), axis=0) * size, 24)
        path *= min(1.0, 0.3 / float(np.ptp(path, axis=0).max()))
        path -= (path.min(axis=0) + path.max(axis=0)) / 2
    return assembled([(tube(path, np.full(len(path), size * rng.uniform(0.09, 0.2))), any_skin(rng))])


def frame(rng: Generator) -> Design:
    """Edges of a box or prism as bars: a rack, a cage, a stand."""
    a, b, h = rng.uniform(0.03, 0.09), rng.uniform(0.03, 0.09), rng.uniform(0.05, 0.18)
    bar = 0.016 * max(2 * a, 2 * b, h) * rng.uniform(1.2, 2.5)
    corners = np.array([(-a, -b), (a, -b), (a, b), (-a, b)])
    posts = [tube([(*c, 0), (*c, h)], [bar, bar]) for c in corners]
    rings = [
        tube([(*c, z) for c in [*corners, corners[0]]], np.full(5, bar))
        for z in rng.choice([0.0, 0.3, 0.6, 1.0], 2, replace=False) * h
    ]
    parts: list[Part] = [(union(*posts, *rings), any_skin(rng))]
    if rng.random() < 0.5:
        parts.append((box((0, 0, h * 0.5), (2 * a, 2 * b, 2 * bar), 0), any_skin(rng)))
    return assembled(parts)


def shell_piece(rng: Generator) -> Design:
    """Thin shell of a random solid cut open."""
    size = rng.uniform(0.07, 0.18)
    solid = rotated(
        superquadric((0, 0, 0), rng.uniform(0.6, 1, 3) * size / 2, (rng.uniform(0.4, 1.1), rng.uniform(0.4, 1.1))),
        _turn(rng),
    )
    normal = rng.normal(0, 1, 3)
    normal /= np.linalg.norm(normal)
    cut = rng.uniform(-0.05, 0.25) * size
    return assembled([(intersection(hollow(solid, 0.03 * size), lambda p: p @ normal - cut), any_skin(rng))])


def crystal(rng: Generator) -> Design:
    """Convex stone with flat faces, or a rough rock."""
    size, count = rng.uniform(0.04, 0.14), int(rng.integers(8, 22))
    normals = rng.normal(0, 1, (count, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    reach = rng.uniform(0.3, 0.5, count) * size
    stone: Sdf = intersection(
        sphere((0, 0, 0), size * 0.55), *(_face(n, d) for n, d in zip(normals, reach, strict=True))
    )
    if rng.random() < 0.5:
        stone = bumpy(stone, 0.012 * size, 0.12 * size, rng.uniform(0, 6, 3))
    return assembled([(stone, any_skin(rng))])


def _face(normal: Array, reach: float) -> Sdf:
    return lambda p: p @ normal - reach


def radial(rng: Generator) -> Design:
    """Arms about an axis: fans, spiders, handwheels."""
    arms, reach = int(rng.integers(3, 9)), rng.uniform(0.03, 0.09)
    arm = tube(
        bent([(0, 0, 0.01), (reach * 0.6, 0, rng.uniform(0, 0.04)), (reach, 0, rng.uniform(0, 0.05))], 7),
        np.linspace(rng.uniform(0.005, 0.01), 0.004, 7),
    )
    tip = translated(_solid(rng, reach * rng.uniform(0.2, 0.5)), (reach, 0, 0.012))
    hub = cylinder(0, rng.uniform(0.012, 0.05), reach * rng.uniform(0.2, 0.35), edge=0.001)
    parts: list[Part] = [(around(arm, arms), any_skin(rng)), (hub, any_skin(rng))]
    parts.append((around(tip, arms) if rng.random() < 0.5 else torus((0, 0, 0.012), reach, 0.005), any_skin(rng)))
    return assembled(parts, 0.003)


FAMILIES: dict[str, Family] = {
    "primitive": primitive,
    "carved": carved,
    "metaballs": metaballs,
    "chain": chain,
    "extruded": extruded,
    "lathed": lathed,
    "knotted": knotted,
    "frame": frame,
    "shell_piece": shell_piece,
    "crystal": crystal,
    "radial": radial,
}
