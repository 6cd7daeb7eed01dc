"""Fruit, vegetables and baked things."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ...synthetic.sdf import Array, arc, difference, ellipsoid, lathe, rotated, translated, tube, union
from ..design import Design, Family, assembled
from ..outlines import TO_X, about_z, bent
from ..paint import hue, peel, plain
from ..shapes import around, bumpy, cylinder, extrusion, half_space, intersection, sphere, stretched, torus
from .kit import turned

BROWN = (0.06, 0.11)


def apple(rng: Generator) -> Design:
    """Apple, tomato, orange, onion: a round with a dimple and a stem."""
    r, tall = rng.uniform(0.028, 0.05), rng.uniform(0.75, 1.1)
    dip = rng.uniform(0.05, 0.35)
    body = turned(
        [
            (0.0, r * 0.12),
            (r * 0.35, 0.0),
            (r, r * tall * 0.95),
            (r * 0.5, r * tall * 1.9),
            (0.0, r * tall * (1.9 - dip)),
        ],
        28,
    )
    stem = tube([(0, 0, r * tall * 1.6), (r * 0.12, 0, r * tall * 1.95 + 0.008)], [0.002, 0.0026])
    return assembled(
        [(body, peel(hue(rng, (-0.03, 0.35)), rng)), (stem, peel(hue(rng, BROWN, value=(0.2, 0.5)), rng))], 0.003
    )


def pear(rng: Generator) -> Design:
    r = rng.uniform(0.028, 0.04)
    h = r * rng.uniform(2.2, 3.0)
    body = turned([(0, 0.003), (r * 0.4, 0), (r, h * 0.3), (r * 0.5, h * 0.75), (r * 0.25, h * 0.97), (0, h)], 28)
    stem = tube([(0, 0, h * 0.95), (0.004, 0, h + 0.014)], [0.0021, 0.0026])
    return assembled(
        [(body, peel(hue(rng, (0.08, 0.3)), rng)), (stem, plain(hue(rng, BROWN, value=(0.2, 0.4))))], 0.003
    )


def _finger(rng: Generator, length: float, thick: float) -> tuple[Array, Array]:
    """Path [N, 3] and radii [N] of one banana in the x-y plane, from its stem at the origin."""
    curve = arc((0, 0, 0), length * 0.75, (0, rng.uniform(65, 95)), 12)[:, [0, 2, 1]]
    curve = curve - curve[0]
    profile = np.interp(np.linspace(0, 1, 12), [0, 0.12, 0.3, 0.6, 0.9, 1], [0.4, 0.45, 0.95, 1, 0.55, 0.3]) * thick
    return curve, profile


def banana(rng: Generator) -> Design:
    """One, or a bunch."""
    length, thick = rng.uniform(0.14, 0.2), rng.uniform(0.014, 0.019)
    count = 1 if rng.random() < 0.5 else int(rng.integers(2, 6))
    fingers = []
    for k in range(count):
        curve, profile = _finger(rng, length, thick)
        curve[:, 2] = thick + 0.35 * thick * k
        fingers.append(rotated(tube(curve, profile), about_z(-0.2 * k)))
    skin = peel(hue(rng, (0.12, 0.2), saturation=(0.6, 0.9), value=(0.7, 0.95)), rng)
    stem = sphere((0, 0, thick * (1 + 0.17 * count)), thick * (0.55 + 0.1 * count))
    return assembled([(union(*fingers), skin), (stem, peel(hue(rng, BROWN, value=(0.25, 0.5)), rng))], 0.005)


def citrus(rng: Generator) -> Design:
    """Lemon, lime, orange with a pored peel; at times halved."""
    r, long = rng.uniform(0.024, 0.045), rng.uniform(1.0, 1.35)
    body = ellipsoid((0, 0, r), (r * long, r, r))
    tip = tube([(r * long * 0.8, 0, r), (r * long * 1.12, 0, r)], [r * 0.35, r * 0.15])
    shape = bumpy(union(body, tip), 0.00035, 0.0025, rng.uniform(0, 6, 3))
    color = hue(rng, (0.06, 0.28), saturation=(0.75, 0.95), value=(0.7, 0.95))
    if rng.random() < 0.3:
        shape = intersection(shape, half_space((0, 0, r), (0, 0, 1)))
    return assembled([(shape, peel(color, rng, 0.08))])


def carrot(rng: Generator) -> Design:
    """Carrot, parsnip, cucumber, courgette."""
    length, r = rng.uniform(0.1, 0.24), rng.uniform(0.013, 0.024)
    tip, bend = rng.uniform(0.15, 0.95), rng.uniform(0, 0.02)
    path = bent([(0, 0, r), (length / 2, bend, r), (length, 0, r)], 8)
    body = tube(path, r * np.interp(np.linspace(0, 1, 8), [0, 0.12, 1], [0.8, 1, tip]))
    leaves = tube([(0, 0, r), (-0.028, 0.004, r)], [r * 0.3, 0.003])
    color = hue(rng, (0.05, 0.09) if tip < 0.5 else (0.22, 0.36), value=(0.35, 0.9))
    return assembled([(body, peel(color, rng)), (leaves, peel(hue(rng, (0.22, 0.35), value=(0.3, 0.6)), rng))], 0.003)


def bread(rng: Generator) -> Design:
    """Loaf, roll or baguette, with cuts."""
    length = rng.uniform(0.07, 0.32)
    width, height = min(length, rng.uniform(0.06, 0.11)), rng.uniform(0.04, 0.075)
    body = intersection(
        ellipsoid((0, 0, height * 0.3), (length / 2, width / 2, height * 0.7)), half_space((0, 0, 0), (0, 0, -1))
    )
    cuts = [
        tube([(x - 0.01, -width * 0.3, height), (x + 0.01, width * 0.3, height)], [0.006, 0.006])
        for x in np.linspace(-0.3, 0.3, max(1, int(length / 0.06))) * length
    ]
    crust = hue(rng, BROWN, saturation=(0.5, 0.75), value=(0.5, 0.85))
    return assembled([(difference(bumpy(body, 0.0012, 0.016, rng.uniform(0, 6, 3)), *cuts), peel(crust, rng, 0.2))])


def toast(rng: Generator) -> Design:
    size, thick = rng.uniform(0.08, 0.11), rng.uniform(0.012, 0.02)
    line = bent(
        [
            (-size * 0.45, 0),
            (-size * 0.45, size * 0.6),
            (-size * 0.5, size * 0.8),
            (-size * 0.3, size),
            (size * 0.3, size),
            (size * 0.5, size * 0.8),
            (size * 0.45, size * 0.6),
            (size * 0.45, 0),
        ],
        34,
    )
    crust, crumb = hue(rng, BROWN, value=(0.4, 0.6)), hue(rng, BROWN, saturation=(0.2, 0.4), value=(0.8, 0.95))
    inner = translated(extrusion(line * 0.93, -0.0004, thick + 0.0004), (0, 0.003, 0))
    return assembled([(extrusion(line, 0, thick, 0.002), peel(crust, rng)), (inner, peel(crumb, rng))])


def doughnut(rng: Generator) -> Design:
    """Ring with icing, or a bagel."""
    ring = rng.uniform(0.024, 0.036)
    thick = ring * rng.uniform(0.45, 0.75)
    dough = stretched(torus((0, 0, thick), ring, thick), (1, 1, 0.85))
    icing = intersection(
        stretched(torus((0, 0, thick), ring, thick * 1.06), (1, 1, 0.85)), half_space((0, 0, thick * 0.9), (0, 0, -1))
    )
    base = peel(hue(rng, BROWN, value=(0.6, 0.85)), rng)
    return assembled(
        [(dough, base), (icing, peel(hue(rng, (0, 1), saturation=(0.2, 0.8)), rng, 0.05))]
        if rng.random() < 0.7
        else [(dough, base)]
    )


def croissant(rng: Generator) -> Design:
    size = rng.uniform(0.045, 0.065)
    path = arc((0, 0, 0), size, (15, 165), 15)[:, [0, 2, 1]]
    waves = 1 + 0.1 * np.sin(np.arange(15) * 2.2)
    radius = np.interp(np.linspace(0, 1, 15), [0, 0.5, 1], [0.25, 1, 0.25]) * size * 0.42 * waves
    path[:, 2] = radius * 0.9
    return assembled([(tube(path, radius), peel(hue(rng, BROWN, saturation=(0.55, 0.8), value=(0.55, 0.8)), rng, 0.2))])


def mushroom(rng: Generator) -> Design:
    r, stem = rng.uniform(0.02, 0.04), rng.uniform(0.02, 0.045)
    cap = turned(
        [
            (0, stem),
            (r * 0.85, stem - 0.004),
            (r, stem),
            (r * 0.75, stem + r * 0.55),
            (0, stem + r * rng.uniform(0.6, 0.9)),
        ],
        24,
    )
    foot = turned([(0, 0), (r * rng.uniform(0.3, 0.5), 0.001), (r * 0.35, stem), (0, stem + 0.004)], 16)
    return assembled(
        [
            (cap, peel(hue(rng, (-0.02, 0.12), saturation=(0.1, 0.8)), rng)),
            (foot, peel(hue(rng, BROWN, saturation=(0.05, 0.3), value=(0.75, 0.95)), rng)),
        ],
        0.003,
    )


def bell_pepper(rng: Generator) -> Design:
    """Pepper or pumpkin: lobes about an axis."""
    r, lobes, tall = rng.uniform(0.03, 0.055), int(rng.integers(3, 9)), rng.uniform(0.7, 1.4)
    lobe = ellipsoid((r * 0.5, 0, r * tall), (r * 0.55, r * 0.6, r * tall))
    body = around(lobe, lobes)
    stem = tube([(0, 0, r * tall * 1.6), (0.003, 0, r * tall * 2 + 0.014)], [0.006, 0.004])
    return assembled(
        [
            (
                union(body, cylinder(r * 0.4, r * tall * 1.6, r * 0.4)),
                peel(hue(rng, (-0.02, 0.34), saturation=(0.75, 0.95)), rng, 0.05),
            ),
            (stem, peel(hue(rng, (0.25, 0.35), value=(0.3, 0.5)), rng)),
        ],
        0.006,
    )


def cheese(rng: Generator) -> Design:
    """Wedge with holes, or a piece of cake with layers."""
    r, height, angle = rng.uniform(0.06, 0.1), rng.uniform(0.025, 0.055), rng.uniform(0.35, 0.8)
    fan = np.concatenate([[(0, 0)], [(r * np.cos(a), r * np.sin(a)) for a in np.linspace(-angle, angle, 10) / 1.3]])
    body = extrusion(fan, 0, height, 0.002)
    color = hue(rng, (0.1, 0.15), saturation=(0.4, 0.75), value=(0.8, 0.95))
    if rng.random() < 0.5:
        spots = rng.uniform([0.3 * r, -0.35 * r, 0.1 * height], [r, 0.35 * r, height], (7, 3))
        return assembled(
            [(difference(body, *(sphere(s, rng.uniform(0.004, 0.009)) for s in spots)), peel(color, rng, 0.05))]
        )
    layer = extrusion(fan * 1.003, height * 0.4, height * 0.52)
    icing = extrusion(fan * 1.004, height * 0.88, height * 1.03, 0.001)
    cream = peel(hue(rng, (0, 1), saturation=(0.1, 0.6)), rng, 0.05)
    return assembled([(body, peel(hue(rng, BROWN), rng)), (layer, cream), (icing, cream)])


def burger(rng: Generator) -> Design:
    r = rng.uniform(0.035, 0.055)
    bun = peel(hue(rng, BROWN, saturation=(0.5, 0.7), value=(0.6, 0.85)), rng)
    low = cylinder(0, r * 0.35, r, edge=r * 0.12)
    patty = cylinder(r * 0.36, r * 0.66, r * 1.04, edge=r * 0.1)
    leaf = bumpy(cylinder(r * 0.66, r * 0.76, r * 1.12, edge=r * 0.03), 0.0012, 0.008, rng.uniform(0, 6, 3))
    top = intersection(ellipsoid((0, 0, r * 0.74), (r, r, r * 0.7)), half_space((0, 0, r * 0.74), (0, 0, -1)))
    return assembled(
        [
            (union(low, top), bun),
            (patty, peel(hue(rng, BROWN, value=(0.2, 0.35)), rng)),
            (leaf, peel(hue(rng, (0.22, 0.33)), rng)),
        ]
    )


def ice_cream(rng: Generator) -> Design:
    """Cone with one to three balls, lying."""
    r, cone = rng.uniform(0.022, 0.034), rng.uniform(0.09, 0.13)
    waffle = lathe([(0, 0), (0.004, 0), (r * 0.95, cone), (r * 0.95, cone + 0.01), (0, cone + 0.01)])
    parts = [(rotated(waffle, TO_X), peel(hue(rng, BROWN, value=(0.6, 0.8)), rng, 0.2))]
    for k in range(rng.integers(1, 4)):
        scoop = bumpy(sphere((0, 0, cone + 0.012 + 1.2 * r * k), r), 0.0008, 0.009, rng.uniform(0, 6, 3))
        parts.append(
            (rotated(scoop, TO_X), peel(hue(rng, (0, 1), saturation=(0.15, 0.6), value=(0.5, 0.95)), rng, 0.05))
        )
    return assembled(parts)


def egg(rng: Generator) -> Design:
    """Egg, avocado, strawberry, kiwi, potato: a round thing that is thicker at one end."""
    r, long = rng.uniform(0.018, 0.035), rng.uniform(1.2, 1.9)
    body = tube([(0, 0, r), (r * (long - 1) * 1.6, 0, r * 0.9)], [r, r * rng.uniform(0.55, 0.9)])
    if rng.random() < 0.5:
        body = bumpy(body, 0.0025, 0.02, rng.uniform(0, 6, 3))
    return assembled([(body, peel(hue(rng, (-0.03, 0.3), saturation=(0.1, 0.9)), rng))])


FAMILIES: dict[str, Family] = {
    "apple": apple,
    "pear": pear,
    "banana": banana,
    "citrus": citrus,
    "carrot": carrot,
    "bread": bread,
    "toast": toast,
    "doughnut": doughnut,
    "croissant": croissant,
    "mushroom": mushroom,
    "bell_pepper": bell_pepper,
    "cheese": cheese,
    "burger": burger,
    "ice_cream": ice_cream,
    "egg": egg,
}
