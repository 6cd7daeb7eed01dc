"""Hand tools."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ...synthetic.sdf import box, difference, lathe, rotated, translated, tube, union
from ..design import Design, Family, Part, assembled
from ..outlines import TO_X, TO_Y, about_z, bent, oval, rectangle, regular
from ..paint import metal, painted, plastic, rubber, timber
from ..shapes import cylinder, extrusion, mirrored, rod
from .kit import oneof


def hammer(rng: Generator) -> Design:
    length, head = rng.uniform(0.2, 0.32), rng.uniform(0.09, 0.13)
    lift, thick = head * 0.15, rng.uniform(0.009, 0.014)
    handle = tube([(-length, 0, lift), (-length * 0.6, 0, lift), (0.01, 0, lift)], [thick * 1.15, thick, thick * 0.85])
    face = translated(rotated(cylinder(0.01, head * 0.5, thick * 1.15, edge=0.002), TO_Y), (0, 0, lift))
    block = box((0, 0, lift), (0.028, head * 0.35, 0.026), 0.004)
    if rng.random() < 0.5:
        tail = mirrored(
            tube(
                [(0.004, -0.01, lift), (0.009, -head * 0.3, lift), (0.008, -head * 0.5, lift - 0.004)],
                [0.009, 0.007, 0.0028],
            ),
            0,
        )
    else:
        tail = tube([(0, 0, lift), (0, -head * 0.5, lift)], [0.012, 0.004])
    return assembled([(handle, oneof(rng, timber, plastic, rubber)), (union(face, block, tail), metal(rng))], 0.002)


def mallet(rng: Generator) -> Design:
    length, radius, half = rng.uniform(0.18, 0.3), rng.uniform(0.025, 0.04), rng.uniform(0.04, 0.065)
    head = rotated(cylinder(-half, half, radius, edge=0.004), TO_Y)
    if rng.random() < 0.4:
        head = box((0, 0, 0), (radius * 1.8, 2 * half, radius * 1.6), 0.005)
    handle = tube([(0, 0, 0), (-length, 0, 0)], [0.0095, rng.uniform(0.011, 0.016)])
    return assembled([(head, oneof(rng, timber, rubber, metal)), (handle, oneof(rng, timber, plastic))])


def screwdriver(rng: Generator) -> Design:
    grip, shaft, radius = rng.uniform(0.07, 0.12), rng.uniform(0.05, 0.15), rng.uniform(0.011, 0.018)
    profile = bent(
        [
            (radius * 0.7, 0),
            (radius, grip * 0.2),
            (radius * 0.85, grip * 0.6),
            (radius * 0.95, grip * 0.85),
            (radius * 0.5, grip),
        ],
        18,
    )
    handle = lathe([(0, 0), *profile, (0, grip)])
    if rng.random() < 0.6:
        flutes = [
            translated(rod((0, 0, 0.01), (0, 0, grip * 0.8), radius * 0.25), (*p, 0)) for p in regular(6, radius * 1.12)
        ]
        handle = difference(handle, *flutes)
    blade = rod((0, 0, grip - 0.005), (0, 0, grip + shaft), rng.uniform(0.0025, 0.004))
    tip = (
        box((0, 0, grip + shaft), (0.009, 0.0026, 0.018), 0.0008)
        if rng.random() < 0.5
        else rod((0, 0, grip + shaft), (0, 0, grip + shaft + 0.006), 0.0022)
    )
    return assembled(
        [(rotated(handle, TO_X), oneof(rng, plastic, painted, timber)), (rotated(union(blade, tip), TO_X), metal(rng))]
    )


def spanner(rng: Generator) -> Design:
    """Open, ring or combination wrench."""
    length, jaw = rng.uniform(0.11, 0.24), rng.uniform(0.014, 0.024)
    thick = rng.uniform(0.005, 0.009)
    parts = [extrusion(rectangle(length, jaw * 0.75), 0, thick * 0.8, 0.0015)]
    holes = []
    for side, open_ in ((1, rng.random() < 0.7), (-1, rng.random() < 0.5)):
        x = side * length / 2
        parts.append(translated(cylinder(0, thick, jaw, edge=0.0012), (x, 0, 0)))
        if open_:
            mouth = translated(extrusion(rectangle(jaw * 1.4, jaw * 1.05), -1, 1), (jaw * 0.7, 0, 0))
            holes.append(translated(rotated(mouth, about_z(0.26 + (np.pi if side < 0 else 0))), (x, 0, 0)))
        else:
            holes.append(translated(extrusion(regular(6, jaw * 0.66), -1, 1), (x, 0, 0)))
    return assembled([(difference(union(*parts), *holes), metal(rng))])


def adjustable_wrench(rng: Generator) -> Design:
    length, thick = rng.uniform(0.15, 0.25), rng.uniform(0.01, 0.014)
    handle = extrusion(oval(length, 0.026, power=5), 0, thick * 0.8, 0.002)
    hole = translated(cylinder(-1, 1, 0.006), (-length * 0.44, 0, 0))
    x = length / 2
    fixed = translated(
        rotated(
            extrusion([(-0.02, -0.018), (0.03, -0.02), (0.04, -0.004), (0, 0.008), (-0.02, 0.02)], 0, thick, 0.002),
            about_z(0.3),
        ),
        (x - 0.008, 0, 0),
    )
    moving = translated(
        rotated(
            extrusion(
                [(-0.012, 0.004), (0.036, 0.012 + rng.uniform(0, 0.012)), (0.034, 0.036), (0.0, 0.032)],
                0,
                thick * 0.9,
                0.002,
            ),
            about_z(0.3),
        ),
        (x - 0.008, 0, 0),
    )
    grip = translated(extrusion(oval(length * 0.6, 0.03, power=4), -0.001, thick * 0.9, 0.003), (-length * 0.18, 0, 0))
    parts: list[Part] = [(difference(union(handle, fixed, moving), hole), metal(rng))]
    if rng.random() < 0.5:
        parts.append((grip, rubber(rng)))
    return assembled(parts)


def pliers(rng: Generator) -> Design:
    spread, length = rng.uniform(0.1, 0.3), rng.uniform(0.1, 0.15)
    nose = rng.uniform(0.025, 0.06)
    jaw = extrusion([(0, -0.001), (nose, 0.0005), (nose, 0.005), (0, 0.014), (-0.012, 0.01)], 0.001, 0.011, 0.001)
    path = bent(
        [
            (-0.008, 0.004, 0.006),
            (-0.04, 0.014 + 0.1 * spread, 0.006),
            (-length * 0.7, 0.02 + 0.12 * spread, 0.006),
            (-length, 0.012 + 0.14 * spread, 0.006),
        ],
        9,
    )
    arms, grips = tube(path, np.full(9, 0.005)), tube(path[2:], np.full(7, rng.uniform(0.006, 0.0085)))
    pivot = cylinder(0, 0.013, 0.011, edge=0.001)
    return assembled(
        [
            (mirrored(grips), oneof(rng, rubber, plastic)),
            (union(mirrored(rotated(jaw, about_z(spread * 0.3))), mirrored(arms), pivot), metal(rng)),
        ]
    )


def scissors(rng: Generator) -> Design:
    opening, blade = rng.uniform(0.04, 0.4), rng.uniform(0.06, 0.11)
    edge = extrusion([(-0.02, -0.004), (blade, -0.001), (blade * 0.8, 0.006), (-0.02, 0.008)], 0.0035, 0.007)
    path = [(-0.015, 0.002, 0.006), (-0.045, 0.012, 0.006)]
    loop = oval(rng.uniform(0.036, 0.05), rng.uniform(0.024, 0.032), 14)
    ring = tube(
        [(*(p + [-0.068, 0.018]), 0.0055) for p in np.concatenate([loop, loop[:1]])],
        np.full(15, rng.uniform(0.0038, 0.005)),
    )
    half = rotated(union(edge, tube(path, [0.004, 0.005])), about_z(opening / 2))
    return assembled(
        [
            (mirrored(rotated(ring, about_z(opening / 2))), oneof(rng, plastic, rubber)),
            (union(mirrored(half), cylinder(0.001, 0.01, 0.006)), metal(rng)),
        ]
    )


def drill(rng: Generator) -> Design:
    """Battery drill on its battery."""
    body_length, radius, height = rng.uniform(0.11, 0.15), rng.uniform(0.024, 0.032), rng.uniform(0.12, 0.15)
    profile = [
        (0, 0),
        (radius * 0.8, 0.002),
        (radius, 0.02),
        (radius, body_length * 0.7),
        (radius * 0.7, body_length),
        (0, body_length),
    ]
    motor = translated(rotated(lathe(profile), TO_X), (-body_length * 0.55, 0, height))
    chuck = translated(
        rotated(lathe([(0, 0), (radius * 0.62, 0), (radius * 0.58, 0.025), (radius * 0.3, 0.04), (0, 0.04)]), TO_X),
        (body_length * 0.44, 0, height),
    )
    grip = tube([(-0.01, 0, height - 0.01), (-0.028, 0, 0.035)], [radius * 0.72, radius * 0.68])
    battery = box((-0.02, 0, 0.016), (rng.uniform(0.075, 0.105), radius * 2.1, 0.034), 0.005)
    trigger = box((0.018, 0, height - radius - 0.014), (0.014, 0.012, 0.026), 0.003)
    bit = translated(
        rotated(rod((0, 0, 0), (0, 0, rng.uniform(0.03, 0.07)), 0.003), TO_X), (body_length * 0.44 + 0.035, 0, height)
    )
    dark = rubber(rng)
    parts: list[Part] = [
        (union(motor, grip), plastic(rng)),
        (battery, dark),
        (trigger, dark),
        (chuck, oneof(rng, metal, rubber)),
    ]
    if rng.random() < 0.6:
        parts.append((bit, metal(rng)))
    return assembled(parts)


def clamp(rng: Generator) -> Design:
    """Screw clamp in the form of a G, lying."""
    width, depth, thick = rng.uniform(0.05, 0.09), rng.uniform(0.06, 0.1), rng.uniform(0.006, 0.009)
    frame = tube([(0, width, 0), (depth, width, 0), (depth, 0, 0), (0, 0, 0)], np.full(4, thick))
    gap = rng.uniform(0.2, 0.8) * width
    screw = rod((0.004, -0.045, 0), (0.004, gap, 0), thick * 0.55)
    shoe = translated(rotated(cylinder(gap - 0.004, gap + 0.006, thick * 1.3), TO_Y), (0.004, 0, 0))
    bar = rod((-0.025, -0.045, 0), (0.033, -0.045, 0), thick * 0.4)
    return assembled([(frame, oneof(rng, painted, metal)), (union(screw, shoe), metal(rng)), (bar, metal(rng))])


FAMILIES: dict[str, Family] = {
    "hammer": hammer,
    "mallet": mallet,
    "screwdriver": screwdriver,
    "spanner": spanner,
    "adjustable_wrench": adjustable_wrench,
    "pliers": pliers,
    "scissors": scissors,
    "drill": drill,
    "clamp": clamp,
}
