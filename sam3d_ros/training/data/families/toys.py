"""Toys and figures."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ...synthetic.sdf import box, difference, ellipsoid, rotated, translated, tube, union
from ..design import Design, Family, Part, assembled
from ..outlines import TO_X, TO_Y, star
from ..paint import metal, painted, plastic, rubber, timber
from ..shapes import around, cylinder, extrusion, half_space, intersection, mirrored, rod, sphere, torus
from .kit import oneof, pick, turned

UPRIGHT = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # x, y of an outline onto x, z


def toy_car(rng: Generator) -> Design:
    length, wheel = rng.uniform(0.06, 0.2), rng.uniform(0.13, 0.19)
    width, r = length * rng.uniform(0.42, 0.55), length * wheel
    floor, roof = r * 0.7, length * rng.uniform(0.38, 0.52)
    hood = floor + (roof - floor) * rng.uniform(0.4, 0.6)
    a, b = sorted(rng.uniform(-0.4, 0.3, 2))
    b = max(b, a + 0.3)
    line = [
        (-0.5, floor / length),
        (0.5, floor / length),
        (0.5, hood / length * 0.9),
        (b, hood / length),
        (b - 0.1, roof / length),
        (a, roof / length),
        (a - 0.08, hood / length),
        (-0.5, hood / length),
    ]
    body = rotated(extrusion(length * np.array(line), -width / 2, width / 2, length * 0.015), UPRIGHT)
    axle = translated(rotated(cylinder(width * 0.3, width * 0.56, r, edge=r * 0.15), TO_Y), (0, 0, r))
    wheels = mirrored(union(translated(axle, (length * 0.3, 0, 0)), translated(axle, (-length * 0.3, 0, 0))))
    return assembled([(body, oneof(rng, painted, plastic, metal, timber)), (wheels, rubber(rng))])


def toy_truck(rng: Generator) -> Design:
    length = rng.uniform(0.09, 0.24)
    width, r = length * 0.36, length * 0.085
    cab = box((length * 0.36, 0, length * 0.24), (length * 0.24, width, length * 0.32), length * 0.02)
    base = box((0, 0, length * 0.11), (length, width * 0.8, length * 0.06), length * 0.01)
    load = box((-length * 0.14, 0, length * 0.28), (length * 0.68, width, length * 0.28), length * 0.01)
    if rng.random() < 0.6:
        load = difference(load, box((-length * 0.14, 0, length * 0.32), (length * 0.6, width * 0.82, length * 0.28), 0))
    wheel = translated(rotated(cylinder(width * 0.32, width * 0.52, r, edge=r * 0.15), TO_Y), (0, 0, r))
    wheels = mirrored(union(*(translated(wheel, (x * length, 0, 0)) for x in (-0.36, -0.16, 0.34))))
    return assembled(
        [(load, oneof(rng, painted, plastic)), (cab, plastic(rng)), (base, rubber(rng)), (wheels, rubber(rng))]
    )


def brick(rng: Generator) -> Design:
    """Building block with studs, hollow below at times."""
    pitch = rng.uniform(0.008, 0.024)
    nx, ny = int(rng.integers(2, 7)), int(rng.integers(1, 4))
    scale = max(1.0, 0.035 / (nx * pitch))
    pitch *= scale
    height = pitch * pick(rng, 0.4, 1.2, 1.2)
    body = box((0, 0, height / 2), (nx * pitch, ny * pitch, height), pitch * 0.03)
    spots = [((i - (nx - 1) / 2) * pitch, (j - (ny - 1) / 2) * pitch) for i in range(nx) for j in range(ny)]
    studs = union(*(translated(cylinder(0, height + pitch * 0.22, pitch * 0.3), (x, y, 0)) for x, y in spots))
    return assembled([(union(body, studs), plastic(rng))])


def block(rng: Generator) -> Design:
    """Wooden toy block: arch, bridge, prism, half disc, star, cross."""
    size, depth = rng.uniform(0.04, 0.1), rng.uniform(0.02, 0.045)
    s = size / 2
    arch = difference(
        box((0, 0, s * 0.6), (size, depth, size * 0.6), 0.0015),
        translated(rotated(cylinder(-1, 1, s * 0.55), TO_Y), (0, 0, 0)),
    )
    prism = rotated(
        extrusion([(-s, 0), (s, 0), (rng.uniform(-s, s), size * 0.7)], -depth / 2, depth / 2, 0.001), UPRIGHT
    )
    shapes = [arch, prism, extrusion(star(int(rng.integers(4, 8)), s * 0.5, s), 0, depth, 0.001)]
    shapes.append(
        union(
            box((0, 0, depth / 2), (size, size * 0.35, depth), 0.002),
            box((0, 0, depth / 2), (size * 0.35, size, depth), 0.002),
        )
    )
    shapes.append(intersection(cylinder(0, depth, s), half_space((0, s * rng.uniform(-0.5, 0.5), 0), (0, 1, 0))))
    return assembled([(pick(rng, *shapes), oneof(rng, timber, painted, plastic))])


def ring_stacker(rng: Generator) -> Design:
    count, low = int(rng.integers(3, 6)), rng.uniform(0.035, 0.055)
    parts: list[Part] = [(cylinder(0, 0.01, low * 1.1, edge=0.002), oneof(rng, timber, plastic))]
    z, radius = 0.012, low
    for _ in range(count):
        thick = radius * 0.3
        parts.append((torus((0, 0, z + thick), radius * 0.66, thick), oneof(rng, plastic, painted)))
        z, radius = z + 1.8 * thick, radius * 0.86
    parts.append((rod((0, 0, 0.01), (0, 0, z + 0.01), 0.009), parts[0][1]))
    return assembled(parts)


def dice(rng: Generator) -> Design:
    size = rng.uniform(0.03, 0.07)
    h = size / 2
    faces = [[(0, 0)], [(-1, -1), (1, 1)], [(-1, -1), (0, 0), (1, 1)]]
    dots = [
        sphere(np.roll([h, a * h * 0.5, b * h * 0.5], axis), size * 0.09) for axis in range(3) for a, b in faces[axis]
    ]
    return assembled(
        [
            (
                difference(box((0, 0, h), (size, size, size), size * 0.12), *(translated(d, (0, 0, h)) for d in dots)),
                oneof(rng, plastic, timber),
            )
        ]
    )


def rocket(rng: Generator) -> Design:
    height, radius, fins = rng.uniform(0.1, 0.22), rng.uniform(0.016, 0.03), int(rng.integers(3, 5))
    body = turned(
        [
            (0, height * 0.1),
            (radius * 0.7, height * 0.1),
            (radius, height * 0.4),
            (radius * 0.8, height * 0.75),
            (0, height),
        ],
        24,
    )
    fin = rotated(
        extrusion(
            [(0, height * 0.35), (radius * 2.3, height * 0.08), (radius * 2.3, 0), (0, height * 0.12)], -0.0025, 0.0025
        ),
        UPRIGHT,
    )
    window = translated(rotated(cylinder(radius * 0.6, radius * 1.02, radius * 0.4), TO_X), (0, 0, height * 0.62))
    return assembled([(body, painted(rng)), (around(fin, fins), plastic(rng)), (window, plastic(rng))])


def boat(rng: Generator) -> Design:
    length = rng.uniform(0.1, 0.2)
    width, height = length * rng.uniform(0.3, 0.45), length * 0.2
    outer = intersection(
        ellipsoid((0, 0, height), (length / 2, width / 2, height)), half_space((0, 0, height), (0, 0, 1))
    )
    inner = ellipsoid((0, 0, height), (length * 0.44, width * 0.4, height * 0.75))
    parts: list[Part] = [(difference(outer, inner), oneof(rng, timber, plastic, painted))]
    if rng.random() < 0.5:
        mast, sail = (
            rod((0, 0, height * 0.2), (0, 0, length * 0.9), 0.0035),
            rotated(
                extrusion(
                    [(0.003, height * 1.4), (length * 0.36, height * 1.5), (0.003, length * 0.85)], -0.0018, 0.0018
                ),
                UPRIGHT,
            ),
        )
        parts += [(mast, timber(rng)), (sail, painted(rng))]
    else:
        parts.append(
            (box((-length * 0.12, 0, height * 1.1), (length * 0.3, width * 0.5, height * 1.2), 0.003), plastic(rng))
        )
    return assembled(parts)


def plane(rng: Generator) -> Design:
    length = rng.uniform(0.1, 0.2)
    z = length * 0.13
    body = tube([(-length / 2, 0, z), (0, 0, z), (length * 0.42, 0, z)], [length * 0.03, length * 0.075, length * 0.06])
    wing = extrusion(
        [
            (length * 0.15, 0),
            (-length * rng.uniform(-0.05, 0.15), length * 0.5),
            (-length * 0.15, length * 0.5),
            (-length * 0.08, 0),
        ],
        z - 0.0025,
        z + 0.0025,
    )
    fins = union(
        box((-length * 0.44, 0, z), (length * 0.12, length * 0.34, 0.005), 0.001),
        box((-length * 0.45, 0, z + length * 0.08), (length * 0.12, 0.005, length * 0.17), 0.001),
    )
    wheels = mirrored(
        translated(rotated(cylinder(0.0, length * 0.12, length * 0.05), TO_Y), (length * 0.1, 0, length * 0.06))
    )
    return assembled(
        [(body, painted(rng)), (mirrored(wing), plastic(rng)), (fins, plastic(rng)), (wheels, rubber(rng))]
    )


def spinning_top(rng: Generator) -> Design:
    radius = rng.uniform(0.02, 0.04)
    shape = turned(
        [
            (0, 0),
            (0.003, 0.002),
            (radius, radius * rng.uniform(0.6, 1)),
            (radius * 0.9, radius * 1.2),
            (0.005, radius * 1.5),
            (0.004, radius * 2.4),
            (0, radius * 2.42),
        ],
        30,
    )
    return assembled([(shape, oneof(rng, timber, painted, plastic))])


def ball(rng: Generator) -> Design:
    radius = rng.uniform(0.02, 0.1)
    return assembled([(sphere((0, 0, radius), radius), oneof(rng, painted, rubber, plastic))])


FAMILIES: dict[str, Family] = {
    "toy_car": toy_car,
    "toy_truck": toy_truck,
    "brick": brick,
    "block": block,
    "ring_stacker": ring_stacker,
    "dice": dice,
    "rocket": rocket,
    "boat": boat,
    "plane": plane,
    "spinning_top": spinning_top,
    "ball": ball,
}
