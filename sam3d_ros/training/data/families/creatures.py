"""Animals and figures."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ...synthetic.sdf import box, ellipsoid, tube, union
from ..design import Design, Family, Part, assembled
from ..outlines import bent
from ..paint import cloth, painted, plastic, rubber, timber
from ..shapes import cylinder, half_space, intersection, mirrored, sphere, superquadric
from .kit import oneof

UPRIGHT = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # x, y of an outline onto x, z


def quadruped(rng: Generator, trunk: bool = False) -> Design:
    """Four-legged animal of random proportions."""
    length = rng.uniform(0.06, 0.17)
    leg, thick = length * rng.uniform(0.25, 0.6), length * rng.uniform(0.06, 0.11)
    body = ellipsoid(
        (0, 0, leg + length * 0.18), (length * 0.45, length * rng.uniform(0.18, 0.28), length * rng.uniform(0.18, 0.27))
    )
    limb = union(
        *(
            tube(
                [(x * length, y * length, leg + length * 0.1), (x * length * 1.05, y * length, thick)],
                [thick * 1.2, thick],
            )
            for x, y in ((0.28, 0.13), (-0.28, 0.13))
        )
    )
    feet = intersection(mirrored(limb), half_space((0, 0, thick * 0.5), (0, 0, -1)))
    hx, hz, hr = (
        length * rng.uniform(0.45, 0.6),
        leg + length * rng.uniform(0.3, 0.75),
        length * rng.uniform(0.14, 0.22),
    )
    neck = tube([(length * 0.3, 0, leg + length * 0.22), (hx, 0, hz)], [length * 0.15, hr * 0.7])
    head, snout = (
        sphere((hx, 0, hz), hr),
        ellipsoid((hx + hr * 0.9, 0, hz - hr * 0.25), (hr * rng.uniform(0.5, 1), hr * 0.55, hr * 0.5)),
    )
    big = rng.uniform(1.4, 2.0) if trunk else rng.uniform(0.3, 1.0)
    ears = mirrored(
        ellipsoid(
            (hx - hr * 0.3, hr * (0.8 if trunk else 0.6), hz + hr * 0.6), (hr * 0.4 * big, hr * 0.3, hr * 0.6 * big)
        )
    )
    tail = tube(
        bent(
            [
                (-length * 0.42, 0, leg + length * 0.25),
                (-length * 0.6, 0, leg + length * rng.uniform(0, 0.5)),
                (-length * 0.65, 0, leg + length * rng.uniform(0, 0.7)),
            ],
            6,
        ),
        np.linspace(thick * 0.6, thick * 0.4, 6),
    )
    solids = [body, feet, neck, head, snout]
    if trunk:
        solids[-1] = tube(
            bent([(hx + hr * 0.6, 0, hz), (hx + hr * 1.7, 0, hz - hr), (hx + hr * 1.5, 0, hz - hr * 2.2)], 8),
            np.linspace(hr * 0.45, hr * 0.2, 8),
        )
    fur = oneof(rng, cloth, plastic, painted, timber)
    spots = mirrored(sphere((hx + hr * 0.75, hr * 0.42, hz + hr * 0.4), max(hr * 0.16, 0.0012)))
    return assembled(
        [(union(*solids), fur), (ears, fur if rng.random() < 0.6 else plastic(rng)), (tail, fur), (spots, rubber(rng))],
        length * 0.06,
    )


def elephant(rng: Generator) -> Design:
    return quadruped(rng, trunk=True)


def bird(rng: Generator) -> Design:
    """Duck, chick or penguin."""
    size, tall = rng.uniform(0.04, 0.1), rng.uniform(0.7, 1.5)
    body = ellipsoid((0, 0, size * 0.6 * tall), (size * 0.75, size * 0.55, size * 0.6 * tall))
    r = size * rng.uniform(0.3, 0.42)
    head = sphere((size * 0.4, 0, size * 1.2 * tall + r * 0.4), r)
    beak = ellipsoid((size * 0.4 + r * 1.1, 0, size * 1.2 * tall + r * 0.3), (r * 0.6, r * 0.45, r * 0.2))
    wings = mirrored(
        ellipsoid((-size * 0.05, size * 0.52, size * 0.65 * tall), (size * 0.42, size * 0.13, size * 0.28 * tall))
    )
    tail = tube(
        [(-size * 0.5, 0, size * 0.6 * tall), (-size * 0.95, 0, size * 0.95 * tall)], [size * 0.25, size * 0.06]
    )
    eyes = mirrored(sphere((size * 0.4 + r * 0.7, r * 0.5, size * 1.2 * tall + r * 0.7), r * 0.17))
    flat = half_space((0, 0, size * 0.1), (0, 0, -1))
    skin = oneof(rng, plastic, painted, cloth)
    return assembled(
        [
            (intersection(union(body, head, tail), flat), skin),
            (wings, skin if rng.random() < 0.5 else plastic(rng)),
            (beak, plastic(rng)),
            (eyes, rubber(rng)),
        ],
        size * 0.09,
    )


def figure(rng: Generator) -> Design:
    """Standing doll with arms in some pose."""
    height = rng.uniform(0.07, 0.24)
    h, broad = height, rng.uniform(0.7, 1.3)
    head = sphere((0, 0, h * 0.88), h * rng.uniform(0.08, 0.13))
    torso = superquadric((0, 0, h * 0.59), (h * 0.09 * broad, h * 0.14 * broad, h * 0.18), (0.7, 0.8))
    reach, lift = rng.uniform(0.1, 0.28) * h, rng.uniform(-0.25, 0.3) * h
    arm = tube(
        [
            (0, h * 0.13 * broad, h * 0.7),
            (h * 0.03, h * 0.16 * broad + reach * 0.5, h * 0.68 + lift * 0.4),
            (h * 0.08, h * 0.15 * broad + reach, h * 0.66 + lift),
        ],
        [h * 0.045, h * 0.036, h * 0.034],
    )
    leg = tube(
        [(0, h * 0.07 * broad, h * 0.45), (rng.uniform(-0.05, 0.08) * h, h * rng.uniform(0.07, 0.13), h * 0.05)],
        [h * 0.06, h * 0.042],
    )
    foot = box((h * 0.03, h * 0.1, h * 0.02), (h * 0.16, h * 0.085, h * 0.045), h * 0.012)
    hat = cylinder(h * 0.94, h * rng.uniform(0.99, 1.1), h * 0.1, top=h * rng.uniform(0.03, 0.1))
    parts: list[Part] = [
        (torso, painted(rng)),
        (head, plastic(rng)),
        (mirrored(arm), painted(rng)),
        (mirrored(union(leg, foot)), plastic(rng)),
    ]
    if rng.random() < 0.6:
        parts.append((hat, plastic(rng)))
    return assembled(parts, h * 0.012)


def teddy(rng: Generator) -> Design:
    """Sitting bear of cloth."""
    s, fur = rng.uniform(0.04, 0.085), cloth(rng)
    body, head = ellipsoid((0, 0, s * 0.9), (s * 0.75, s * 0.8, s)), sphere((s * 0.1, 0, s * 2.3), s * 0.68)
    ears = mirrored(sphere((0, s * 0.55, s * 2.85), s * 0.26))
    arm = tube([(0, s * 0.7, s * 1.4), (s * 0.4, s * 1.2, s * rng.uniform(0.7, 1.9))], [s * 0.3, s * 0.26])
    leg = tube([(0, s * 0.5, s * 0.35), (s * 1.25, s * rng.uniform(0.6, 0.9), s * 0.32)], [s * 0.36, s * 0.33])
    snout, eyes = (
        ellipsoid((s * 0.72, 0, s * 2.15), (s * 0.3, s * 0.32, s * 0.25)),
        mirrored(sphere((s * 0.65, s * 0.25, s * 2.5), s * 0.09)),
    )
    return assembled(
        [(union(body, head, mirrored(arm), mirrored(leg)), fur), (ears, fur), (snout, cloth(rng)), (eyes, rubber(rng))],
        s * 0.1,
    )


FAMILIES: dict[str, Family] = {
    "animal": quadruped,
    "elephant": elephant,
    "bird": bird,
    "figure": figure,
    "teddy": teddy,
}
