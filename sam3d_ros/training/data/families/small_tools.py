"""Tools of the desk, the painter and the garden."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ...synthetic.sdf import arc, box, difference, lathe, rotated, translated, tube, union
from ..design import Design, Family, Part, assembled
from ..outlines import TO_X, TO_Y, about_y, bent, gear, oval, rectangle, regular
from ..paint import any_skin, cloth, metal, painted, plastic, rubber, timber
from ..prints import label, patched
from ..shapes import cylinder, extrusion, rod, torus
from .kit import oneof, pick


def torch(rng: Generator) -> Design:
    length, radius = rng.uniform(0.09, 0.2), rng.uniform(0.011, 0.018)
    head = radius * rng.uniform(1.15, 2.0)
    profile = [
        (0, 0),
        (radius, 0.001),
        (radius, length * 0.68),
        (head, length * 0.82),
        (head, length),
        (head - 0.003, length),
        (head - 0.006, length - 0.012),
        (0, length - 0.015),
    ]
    button = translated(box((0, 0, 0), (0.016, 0.008, 0.006), 0.002), (length * 0.4, 0, radius))
    return assembled([(rotated(lathe(profile), TO_X), oneof(rng, metal, plastic, painted)), (button, rubber(rng))])


def paint_brush(rng: Generator) -> Design:
    width, length = rng.uniform(0.025, 0.075), rng.uniform(0.11, 0.17)
    bristles = extrusion(rectangle(0.055, width), 0, rng.uniform(0.008, 0.014), 0.003)
    ferrule = translated(extrusion(rectangle(0.03, width + 0.004), -0.001, 0.016, 0.002), (0.04, 0, 0))
    outline = np.concatenate(
        [
            bent([(0.05, width / 2), (0.075, width * 0.42), (0.1, 0.009), (0.05 + length, 0.012)], 12),
            bent([(0.05 + length, -0.012), (0.1, -0.009), (0.075, -width * 0.42), (0.05, -width / 2)], 12),
        ]
    )
    handle = extrusion(outline, 0.001, 0.013, 0.004)
    return assembled([(handle, oneof(rng, timber, plastic)), (ferrule, metal(rng)), (bristles, cloth(rng))])


def scrub_brush(rng: Generator) -> Design:
    length, width = rng.uniform(0.1, 0.19), rng.uniform(0.04, 0.06)
    back = extrusion(oval(length, width, power=3), 0.022, 0.022 + rng.uniform(0.012, 0.02), 0.005)
    tufts = extrusion(oval(length * 0.92, width * 0.85, power=3), 0, 0.025)
    parts: list[Part] = [(back, oneof(rng, timber, plastic)), (tufts, cloth(rng))]
    if rng.random() < 0.5:
        grip = tube(
            bent([(length * 0.4, 0, 0.032), (length * 0.8, 0, 0.045), (length * 0.5 + 0.13, 0, 0.035)], 7),
            np.full(7, 0.0085),
        )
        parts.append((grip, parts[0][1]))
    return assembled(parts, 0.003)


def tape_dispenser(rng: Generator) -> Design:
    width, length = rng.uniform(0.022, 0.04), rng.uniform(0.1, 0.15)
    outline = bent(
        [
            (-length / 2, 0),
            (-length * 0.48, 0.03),
            (-length * 0.2, 0.055),
            (length * 0.15, 0.04),
            (length * 0.4, 0.02),
            (length / 2, 0.03),
            (length / 2, 0),
        ],
        26,
    )
    body = translated(
        rotated(extrusion(outline, -width / 2, width / 2, 0.002), np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])),
        (0, 0, 0),
    )
    ring = translated(
        rotated(difference(cylinder(-width * 0.35, width * 0.35, 0.034), cylinder(-1, 1, 0.014)), TO_Y),
        (-length * 0.18, 0, 0.046),
    )
    cutter = box((length / 2 - 0.002, 0, 0.031), (0.005, width * 0.9, 0.006), 0.001)
    return assembled([(body, oneof(rng, plastic, rubber)), (ring, any_skin(rng)), (cutter, metal(rng))])


def stapler(rng: Generator) -> Design:
    length, width, angle = rng.uniform(0.09, 0.17), rng.uniform(0.024, 0.036), rng.uniform(0.05, 0.2)
    base = box((0, 0, 0.006), (length, width, 0.012), 0.003)
    arm = box((length * 0.48, 0, 0.012), (length * 0.96, width * 0.9, 0.02), 0.007)
    arm = translated(rotated(arm, about_y(-angle)), (-length / 2, 0, 0.014))
    rail = translated(
        rotated(box((length * 0.47, 0, 0), (length * 0.9, width * 0.55, 0.01), 0.001), about_y(-angle * 0.6)),
        (-length / 2, 0, 0.014),
    )
    return assembled([(arm, plastic(rng)), (base, oneof(rng, rubber, plastic)), (rail, metal(rng))])


def saw(rng: Generator) -> Design:
    length, depth = rng.uniform(0.16, 0.25), rng.uniform(0.035, 0.06)
    count = 24
    teeth = np.stack(
        [np.linspace(0, length, 2 * count + 1), np.where(np.arange(2 * count + 1) % 2, 0.004, 0.0)], axis=1
    )
    blade = extrusion(np.concatenate([teeth, [(length, depth * 0.4), (0, depth)]]), 0.007, 0.0105)
    outer, inner = oval(0.08, 0.095, power=3), oval(0.034, 0.05, power=3)
    handle = difference(extrusion(outer, 0, 0.018, 0.005), extrusion(inner + [0.0, 0.0], -1, 1))
    return assembled([(translated(handle, (-0.03, depth * 0.6, 0)), oneof(rng, timber, plastic)), (blade, metal(rng))])


def trowel(rng: Generator) -> Design:
    length, width = rng.uniform(0.09, 0.14), rng.uniform(0.05, 0.085)
    blade = extrusion(
        [(0, -width * 0.4), (length * 0.3, -width / 2), (length, 0), (length * 0.3, width / 2), (0, width * 0.4)],
        0,
        0.0035,
        0.001,
    )
    neck = tube(bent([(0.015, 0, 0.003), (-0.02, 0, 0.035), (-0.045, 0, 0.03)], 7), np.full(7, 0.0045))
    grip = tube([(-0.045, 0, 0.03), (-0.1, 0, 0.03), (-0.15, 0, 0.03)], [0.01, 0.0135, 0.0115])
    return assembled([(blade, metal(rng)), (neck, metal(rng)), (grip, oneof(rng, timber, plastic))])


def spirit_level(rng: Generator) -> Design:
    length, height = rng.uniform(0.18, 0.36), rng.uniform(0.035, 0.06)
    bar = box((0, 0, height / 2), (length, rng.uniform(0.016, 0.026), height), 0.0015)
    windows = [box((x * length, 0, height * 0.6), (0.05, 0.1, height * 0.4), 0.004) for x in (-0.33, 0.0, 0.33)]
    vial = translated(rotated(rod((0, 0, -0.02), (0, 0, 0.02), 0.006), TO_X), (0, 0, height * 0.6))
    return assembled(
        [(difference(bar, *windows[: pick(rng, 1, 3)][::-1]), oneof(rng, painted, metal)), (vial, plastic(rng))]
    )


def hex_key(rng: Generator) -> Design:
    long, short, radius = rng.uniform(0.07, 0.17), rng.uniform(0.025, 0.05), rng.uniform(0.0022, 0.005)
    path = np.concatenate(
        [
            [(0.0, short, radius)],
            arc((0.008, 0, 0), 0.008, (180, 270), 5)[:, [0, 2, 1]] + [0, 0.008, radius],
            [(long, 0, radius)],
        ]
    )
    parts: list[Part] = [(tube(path, np.full(len(path), radius)), oneof(rng, metal, painted))]
    if rng.random() < 0.35:
        parts.append((box((long, 0, radius), (0.03, 0.07, 0.02), 0.008), plastic(rng)))
    return assembled(parts)


def utility_knife(rng: Generator) -> Design:
    length = rng.uniform(0.11, 0.15)
    body = extrusion(
        bent(
            [
                (-length / 2, -0.01),
                (0, -0.013),
                (length / 2, -0.009),
                (length / 2, 0.006),
                (0, 0.013),
                (-length / 2, 0.011),
            ],
            30,
        ),
        0,
        0.017,
        0.004,
    )
    out = rng.uniform(0.01, 0.04)
    blade = extrusion(
        [
            (length / 2 - 0.01, -0.007),
            (length / 2 + out, -0.007),
            (length / 2 + out * 0.6, 0.006),
            (length / 2 - 0.01, 0.006),
        ],
        0.007,
        0.0095,
    )
    slider = box((length * 0.15, 0, 0.018), (0.022, 0.009, 0.006), 0.002)
    return assembled(
        [
            (body, patched(plastic(rng), label(rng, 260, 70), (0, 0, 0), (length, 0.026), axis=2)),
            (blade, metal(rng)),
            (slider, rubber(rng)),
        ]
    )


def tape_measure(rng: Generator) -> Design:
    size, width = rng.uniform(0.05, 0.08), rng.uniform(0.028, 0.042)
    outline = bent([(-size / 2, 0), (-size / 2, size * 0.6), (0, size), (size * 0.45, size * 0.6), (size / 2, 0)], 24)
    body = rotated(extrusion(outline, -width / 2, width / 2, 0.005), np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]))
    lip = box((size / 2 + 0.01, 0, 0.005), (rng.uniform(0.03, 0.08), 0.018, 0.003), 0.0008)
    hook = box((size / 2 + 0.025, 0, 0.004), (0.003, 0.02, 0.014), 0.0008)
    skin = patched(plastic(rng), label(rng, 200, 200), (0, -1, size * 0.45), (size * 0.8, size * 0.7), axis=1)
    return assembled([(body, skin), (union(lip, hook), oneof(rng, metal, painted))])


def wheel_cutter(rng: Generator) -> Design:
    """Pizza wheel or pastry cutter."""
    radius, toothed = rng.uniform(0.025, 0.045), rng.random() < 0.4
    wheel = extrusion(gear(16, radius * 0.93, radius) if toothed else regular(40, radius), -0.0016, 0.0016)
    handle = tube(
        [(-radius * 0.2, 0, 0.006), (-radius - 0.02, 0, 0.006), (-radius - 0.11, 0, 0.006)], [0.005, 0.008, 0.011]
    )
    hub = torus((0, 0, 0.002), 0.004, 0.006)
    return assembled([(union(wheel, hub), metal(rng)), (handle, oneof(rng, timber, plastic))])


FAMILIES: dict[str, Family] = {
    "torch": torch,
    "paint_brush": paint_brush,
    "scrub_brush": scrub_brush,
    "tape_dispenser": tape_dispenser,
    "stapler": stapler,
    "saw": saw,
    "trowel": trowel,
    "spirit_level": spirit_level,
    "hex_key": hex_key,
    "utility_knife": utility_knife,
    "tape_measure": tape_measure,
    "wheel_cutter": wheel_cutter,
}
