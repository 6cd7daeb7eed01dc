"""Desk, electronics and things one wears."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ...synthetic.sdf import Array, arc, blend, box, difference, ellipsoid, lathe, rotated, translated, tube, union
from ..design import Design, Family, Part, assembled
from ..outlines import TO_X, TO_Y, about_y, bent, oval
from ..paint import card, metal, mottled, painted, plastic, rubber, timber
from ..prints import boxed, label, patched
from ..shapes import cylinder, extrusion, half_space, intersection, mirrored, rod, superquadric
from .kit import maybe_printed, oneof, pick

DARK = np.array([0.05, 0.055, 0.065])


def mouse(rng: Generator) -> Design:
    length, width, height = rng.uniform(0.095, 0.125), rng.uniform(0.055, 0.07), rng.uniform(0.03, 0.042)
    body = intersection(ellipsoid((0, 0, 0.004), (length / 2, width / 2, height)), half_space((0, 0, 0), (0, 0, -1)))
    wheel = translated(rotated(cylinder(-0.004, 0.004, 0.011), TO_Y), (length * 0.26, 0, height * 0.82))
    groove = box((length * 0.4, 0, height), (length * 0.55, 0.002, height), 0)
    return assembled([(difference(body, groove), plastic(rng)), (wheel, rubber(rng))])


def remote(rng: Generator) -> Design:
    length, width, height = rng.uniform(0.12, 0.22), rng.uniform(0.035, 0.055), rng.uniform(0.014, 0.024)
    body = extrusion(oval(length, width, 32, rng.uniform(4, 12)), 0, height, 0.004)
    columns, rows = pick(rng, 2, 3), int(rng.integers(5, 9))
    keys = [
        translated(cylinder(0, height + 0.0018, 0.0042), (x * length, y * width, 0))
        for x in np.linspace(-0.35, 0.38, rows)
        for y in np.linspace(-0.28, 0.28, columns)
    ]
    return assembled([(body, oneof(rng, plastic, rubber)), (union(*keys), oneof(rng, rubber, plastic))])


def gamepad(rng: Generator) -> Design:
    width, depth = rng.uniform(0.13, 0.16), rng.uniform(0.05, 0.065)
    middle = box((0, 0, 0.03), (width * 0.75, depth, 0.032), 0.012)
    horn = tube(
        [(width * 0.36, 0.012, 0.03), (width * 0.45, -0.03, 0.022), (width * 0.42, -0.062, 0.016)], [0.022, 0.02, 0.014]
    )
    stick = union(cylinder(0.03, 0.054, 0.006), cylinder(0.052, 0.058, 0.01, edge=0.002))
    sticks = mirrored(translated(stick, (width * 0.18, -0.012, 0)), 0)
    cross = union(
        box((-width * 0.3, 0.012, 0.046), (0.024, 0.008, 0.006), 0.001),
        box((-width * 0.3, 0.012, 0.046), (0.008, 0.024, 0.006), 0.001),
    )
    keys = [
        translated(cylinder(0.03, 0.05, 0.0045), (width * 0.3 + 0.011 * x, 0.012 + 0.011 * y, 0))
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1))
    ]
    shell_ = blend(0.02, middle, mirrored(horn, 0))
    return assembled([(shell_, plastic(rng)), (union(sticks, cross), rubber(rng)), (union(*keys), painted(rng))])


def glasses(rng: Generator) -> Design:
    """Folded open, on its rims."""
    lens, gap, temple = rng.uniform(0.04, 0.054), rng.uniform(0.014, 0.022), rng.uniform(0.11, 0.14)
    wire, tilt = rng.uniform(0.0022, 0.0036), rng.uniform(2, 5)
    ring = oval(lens, lens * rng.uniform(0.65, 0.95), 18, tilt) + [(lens + gap) / 2, 0]
    closed = np.concatenate([ring, ring[:1]])
    rim = tube(np.column_stack([closed[:, 0], np.zeros(19), closed[:, 1] + lens / 2]), np.full(19, wire))
    pane = translated(
        rotated(extrusion(oval(lens, lens * 0.8, 20, tilt), -0.0016, 0.0016), TO_Y), ((lens + gap) / 2, 0, lens / 2)
    )
    bridge = rod((0, 0, lens * 0.6), (gap / 2 + 0.003, 0, lens * 0.6), wire)
    x = lens + gap / 2
    arm = tube(
        [
            (x, 0, lens * 0.62),
            (x + 0.004, 0.01, lens * 0.62),
            (x, temple * 0.8, lens * 0.62),
            (x - 0.003, temple, lens * 0.3),
        ],
        np.full(4, wire),
    )
    parts: list[Part] = [(mirrored(union(rim, bridge, arm), 0), oneof(rng, plastic, metal))]
    parts.append((mirrored(pane, 0), mottled(DARK * rng.uniform(1, 5), rng)))
    return assembled(parts if rng.random() < 0.75 else parts[:1])


def headphones(rng: Generator) -> Design:
    """Lying on their ear cups."""
    span, thick = rng.uniform(0.065, 0.08), rng.uniform(0.006, 0.01)
    bow = tube(arc((0, 0, 0.045), span, (-12, 192), 17) * [1, 1, 1.15], np.full(17, thick))
    cup = translated(
        rotated(cylinder(-0.014, 0.016, rng.uniform(0.028, 0.04), edge=0.006), TO_X), (span - 0.002, 0, 0.04)
    )
    pad = translated(
        rotated(difference(cylinder(-0.028, -0.012, 0.033, edge=0.006), cylinder(-1, 1, 0.016)), TO_X),
        (span - 0.002, 0, 0.04),
    )
    return assembled(
        [
            (bow, oneof(rng, plastic, rubber)),
            (mirrored(cup, 0), oneof(rng, plastic, metal)),
            (mirrored(pad, 0), rubber(rng)),
        ]
    )


def pen(rng: Generator) -> Design:
    """Pen, marker or pencil, lying."""
    length, radius = rng.uniform(0.11, 0.17), rng.uniform(0.0042, 0.011)
    body = rotated(lathe([(0, 0), (radius, 0.001), (radius, length * 0.85), (radius * 0.3, length), (0, length)]), TO_X)
    cap = rotated(cylinder(length * 0.62, length * 1.02, radius * 1.15, edge=0.001), TO_X)
    clip = box((length * 0.75, 0, radius * 1.5), (length * 0.3, 0.003, 0.0026), 0.0008)
    parts: list[Part] = [(body, oneof(rng, plastic, painted, timber, metal))]
    if rng.random() < 0.6:
        parts += [(union(cap, clip), oneof(rng, plastic, metal))]
    return assembled(parts)


def book(rng: Generator) -> Design:
    size = rng.uniform([0.11, 0.15, 0.008], [0.19, 0.25, 0.04])
    cover = 0.0021
    hard = difference(
        box((0, 0, size[2] / 2), size, 0.0006),
        box((0.02, 0, size[2] / 2), (size[0] + 0.034, size[1] * 2, size[2] - 2 * cover), 0),
    )
    pages = box((-0.002, 0, size[2] / 2), (size[0] - 0.008, size[1] - 0.008, size[2] - 0.001), 0)
    return assembled(
        [
            (hard, boxed(painted(rng), rng, (0, 0, size[2] / 2), size)),
            (pages, mottled(np.array([0.93, 0.9, 0.82]), rng)),
        ]
    )


def phone(rng: Generator) -> Design:
    """Phone, tablet, or calculator with keys."""
    scale = pick(rng, 1.0, 1.0, 1.5)
    length, width, height = rng.uniform(0.12, 0.17) * scale, rng.uniform(0.06, 0.085) * scale, rng.uniform(0.007, 0.014)
    body = extrusion(oval(length, width, 40, rng.uniform(7, 16)), 0, height, 0.002)
    screen = patched(
        oneof(rng, plastic, metal), label(rng, 240, 140), (0, 0, height * 0.7), (length * 0.92, width * 0.92), axis=2
    )
    bumps = translated(cylinder(-0.0015, height * 0.6, 0.006), (length * 0.4, width * 0.3, 0))
    if rng.random() < 0.35:
        keys = [
            box((x * length, y * width, height), (length * 0.07, width * 0.14, 0.005), 0.001)
            for x in np.linspace(-0.4, 0.15, 5)
            for y in np.linspace(-0.36, 0.36, 4)
        ]
        return assembled([(body, plastic(rng)), (union(*keys), painted(rng))])
    return assembled([(body, screen), (bumps, rubber(rng))])


def keyboard_pad(rng: Generator) -> Design:
    """Numeric block or small keyboard."""
    columns, rows, pitch = int(rng.integers(4, 13)), int(rng.integers(4, 6)), 0.019
    base = box((0, 0, 0.007), (columns * pitch + 0.008, rows * pitch + 0.008, 0.014), 0.003)

    def keys(p: Array) -> Array:
        q = p.copy()
        for axis, count in ((0, columns), (1, rows)):
            k = np.clip(np.round(p[..., axis] / pitch + (count - 1) / 2), 0, count - 1) - (count - 1) / 2
            q[..., axis] -= k * pitch
        return box((0, 0, 0.016), (pitch * 0.82, pitch * 0.82, 0.014), 0.002)(q)

    return assembled([(base, plastic(rng)), (keys, oneof(rng, rubber, plastic))])


def light_bulb(rng: Generator) -> Design:
    radius, cap = rng.uniform(0.022, 0.036), rng.uniform(0.011, 0.014)
    glass = bent(
        [
            (cap, 0.026),
            (cap * 1.2, 0.04),
            (radius, 0.04 + radius * 1.2),
            (radius * 0.6, 0.04 + radius * 2.1),
            (0.001, 0.04 + radius * 2.3),
        ],
        20,
    )
    ridges = [(cap + (0.0009 if k % 2 else -0.0009), z) for k, z in enumerate(np.arange(0.004, 0.028, 0.003))]
    bulb = lathe([(0, 0.026), *glass])
    base = lathe([(0, 0), (cap * 0.5, 0), *ridges, (0, 0.028)])
    return assembled(
        [(rotated(bulb, TO_X), mottled(np.array([0.93, 0.92, 0.88]), rng)), (rotated(base, TO_X), metal(rng))]
    )


def webcam(rng: Generator) -> Design:
    """Small camera or speaker on a foot."""
    radius, height = rng.uniform(0.02, 0.035), rng.uniform(0.04, 0.09)
    head = superquadric(
        (0, 0, height + radius),
        (radius * rng.uniform(1, 1.8), radius, radius),
        (rng.uniform(0.3, 1), rng.uniform(0.3, 1)),
    )
    eye = translated(
        rotated(
            difference(cylinder(radius * 0.4, radius * 1.15, radius * 0.55), cylinder(radius * 1.02, 1, radius * 0.4)),
            TO_Y,
        ),
        (0, 0, height + radius),
    )
    foot = union(cylinder(0, 0.007, radius * rng.uniform(1.2, 1.8), edge=0.002), cylinder(0, height + radius, 0.007))
    return assembled([(head, plastic(rng)), (eye, rubber(rng)), (foot, oneof(rng, plastic, metal))])


def desk_clock(rng: Generator) -> Design:
    radius, depth = rng.uniform(0.035, 0.07), rng.uniform(0.02, 0.045)
    rim = translated(
        rotated(
            difference(cylinder(-depth / 2, depth / 2, radius, edge=0.003), cylinder(depth * 0.35, 1, radius * 0.86)),
            TO_Y,
        ),
        (0, 0, radius + 0.01),
    )
    feet = mirrored(rod((radius * 0.5, 0, radius * 0.3), (radius * 0.75, 0, 0.005), 0.0055), 0)
    bells = mirrored(translated(cylinder(0, 0.018, 0.018, top=0.008), (radius * 0.55, 0, radius * 1.9)), 0)
    skin = patched(painted(rng), label(rng), (0, 0, radius + 0.01), (1.6 * radius, 1.6 * radius), axis=1)
    parts: list[Part] = [(rim, skin), (feet, metal(rng))]
    if rng.random() < 0.5:
        parts.append((bells, metal(rng)))
    return assembled(parts)


def desk_lamp(rng: Generator) -> Design:
    base, height, reach = rng.uniform(0.045, 0.07), rng.uniform(0.16, 0.26), rng.uniform(0.06, 0.13)
    pole = tube(
        bent([(0, 0, 0.005), (-0.02, 0, height * 0.6), (reach * 0.4, 0, height), (reach, 0, height * 0.93)], 12),
        np.full(12, 0.0055),
    )
    shade = difference(cylinder(-0.05, 0.01, 0.046, top=0.016), cylinder(-0.06, 0.004, 0.043, top=0.011))
    placed = translated(rotated(shade, about_y(rng.uniform(-0.5, 0.2))), (reach, 0, height * 0.92))
    skin = oneof(rng, metal, plastic, painted)
    return assembled([(cylinder(0, 0.014, base, edge=0.003), skin), (pole, metal(rng)), (placed, skin)])


def pen_holder(rng: Generator) -> Design:
    """Cup with pens in it."""
    radius, height, skin = rng.uniform(0.032, 0.045), rng.uniform(0.08, 0.11), oneof(rng, plastic, timber, metal, card)
    pot = difference(cylinder(0, height, radius, edge=0.001), cylinder(0.004, 1, radius - 0.004))
    parts: list[Part] = [(pot, maybe_printed(rng, skin, 0.01, height * 0.9))]
    for _ in range(rng.integers(1, 5)):
        a, b = rng.uniform(-0.6, 0.6, 2) * radius, rng.uniform(-0.8, 0.8, 2) * radius
        parts.append(
            (
                rod((*a, 0.009), (*b, height + rng.uniform(0.02, 0.07)), rng.uniform(0.004, 0.006)),
                oneof(rng, plastic, painted, timber),
            )
        )
    return assembled(parts)


def shoe(rng: Generator) -> Design:
    """Low shoe with an opening."""
    length, width = rng.uniform(0.16, 0.29), rng.uniform(0.065, 0.095)
    height = length * rng.uniform(0.28, 0.42)
    sole = extrusion(oval(length, width, 36, 2.6), 0, length * 0.07, 0.003)
    heel = ellipsoid((-length * 0.27, 0, height * 0.35), (length * 0.22, width * 0.45, height * 0.68))
    toe = ellipsoid((length * 0.16, 0, length * 0.05), (length * 0.33, width * 0.46, height * 0.55))
    upper = intersection(blend(0.05, heel, toe), half_space((0, 0, length * 0.03), (0, 0, -1)))
    hole = ellipsoid((-length * 0.24, 0, height * 0.8), (length * 0.18, width * 0.34, height * 0.62))
    return assembled([(difference(upper, hole), oneof(rng, painted, rubber)), (sole, oneof(rng, rubber, plastic))])


FAMILIES: dict[str, Family] = {
    "mouse": mouse,
    "remote": remote,
    "gamepad": gamepad,
    "glasses": glasses,
    "headphones": headphones,
    "pen": pen,
    "book": book,
    "phone": phone,
    "keyboard_pad": keyboard_pad,
    "light_bulb": light_bulb,
    "webcam": webcam,
    "desk_clock": desk_clock,
    "desk_lamp": desk_lamp,
    "pen_holder": pen_holder,
    "shoe": shoe,
}
