"""Bottles, boxes, baskets and other packaging and vessels."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ...synthetic.sdf import box, difference, lathe, rotated, shell, translated, tube, union
from ..design import Design, Family, Part, assembled
from ..outlines import TO_X, TO_Y, bent, oval
from ..paint import ceramic, metal, painted, plastic, rubber, timber
from ..prints import label, patched, wrapped
from ..shapes import around, cylinder, extrusion, sphere, stretched, torus
from .kit import hoop, maybe_printed, oneof, pick, turned, wall_of


def bottle(rng: Generator) -> Design:
    height, radius = rng.uniform(0.12, 0.32), rng.uniform(0.024, 0.045)
    neck, shoulder = radius * rng.uniform(0.3, 0.55), rng.uniform(0.5, 0.75)
    line = bent(
        [(radius, 0.004), (radius, height * shoulder), (neck * 1.4, height * (shoulder + 0.17)), (neck, height * 0.93)],
        20,
    )
    body = lathe([(0, 0), (radius - 0.004, 0), *line, (0, height * 0.93)])
    cap = cylinder(height * 0.92, height, neck * 1.2, edge=0.001)
    skin = wrapped(
        oneof(rng, plastic, painted), label(rng), height * 0.12, height * (shoulder - 0.08), copies=pick(rng, 1, 2)
    )
    return assembled([(body, skin), (cap, oneof(rng, plastic, metal))])


def flask(rng: Generator) -> Design:
    """Vacuum flask or sports bottle, at times with a loop on its lid."""
    height, radius = rng.uniform(0.16, 0.28), rng.uniform(0.028, 0.042)
    cup_low = height * rng.uniform(0.7, 0.85)
    parts: list[Part] = [
        (
            cylinder(0, cup_low, radius, edge=0.003),
            maybe_printed(rng, oneof(rng, metal, painted, plastic), 0.02, cup_low),
        ),
        (cylinder(cup_low, height, radius * rng.uniform(0.7, 0.98), edge=0.003), oneof(rng, plastic, metal)),
    ]
    if rng.random() < 0.5:
        parts.append((hoop((0, 0, height - 0.002), radius * 0.6, 0.03, 0.004), plastic(rng)))
    return assembled(parts)


def spray_bottle(rng: Generator) -> Design:
    height, width, depth = rng.uniform(0.13, 0.19), rng.uniform(0.06, 0.1), rng.uniform(0.04, 0.06)
    lower = extrusion(oval(width, depth, power=rng.uniform(2, 5)), 0, height * 0.8, 0.006)
    shoulder = stretched(cylinder(0, height * 0.3, 0.5, top=0.15), (width * 0.98, depth * 0.98, 1))
    neck = cylinder(height * 0.9, height + 0.02, 0.013)
    head = box((-0.012, 0, height + 0.032), (0.075, 0.024, 0.028), 0.005)
    nozzle = translated(rotated(cylinder(-0.062, -0.045, 0.009), TO_X), (0, 0, height + 0.034))
    trigger = tube(
        bent([(-0.03, 0, height + 0.02), (-0.042, 0, height), (-0.04, 0, height - 0.03)], 6), np.full(6, 0.0045)
    )
    skin = patched(plastic(rng), label(rng), (0, 0, height * 0.4), (width * 0.7, height * 0.6), axis=1)
    body = union(lower, translated(shoulder, (0, 0, height * 0.8)), neck)
    return assembled([(body, skin), (union(head, nozzle, trigger), plastic(rng))])


def pump_dispenser(rng: Generator) -> Design:
    height, radius = rng.uniform(0.09, 0.16), rng.uniform(0.026, 0.042)
    body = extrusion(
        oval(2 * radius, 2 * radius * rng.uniform(0.65, 1.0), power=rng.uniform(2, 5)),
        0,
        height,
        rng.uniform(0.004, 0.012),
    )
    collar, stem = cylinder(height - 0.003, height + 0.016, 0.013), cylinder(height, height + 0.045, 0.0045)
    spout = tube(
        [(0.008, 0, height + 0.046), (-0.035, 0, height + 0.046), (-0.045, 0, height + 0.036)], [0.0085, 0.006, 0.004]
    )
    skin = wrapped(oneof(rng, plastic, ceramic, painted), label(rng), height * 0.2, height * 0.85, copies=2)
    return assembled([(body, skin), (union(collar, stem, spout), oneof(rng, plastic, metal))])


def jar(rng: Generator) -> Design:
    """With a lid, or open and hollow."""
    height, radius = rng.uniform(0.06, 0.16), rng.uniform(0.028, 0.055)
    skin = maybe_printed(rng, oneof(rng, plastic, ceramic, painted), height * 0.2, height * 0.75, 0.8)
    if rng.random() < 0.3:
        line = [
            (0, 0.004),
            (radius, 0.004),
            (radius, height * 0.8),
            (radius * 0.85, height * 0.9),
            (radius * 0.85, height),
        ]
        return assembled([(shell(line, wall_of(rng, height)), skin)])
    body = turned(
        [
            (0, 0),
            (radius * 0.9, 0.001),
            (radius, 0.01),
            (radius, height * 0.75),
            (radius * 0.86, height * 0.85),
            (0, height * 0.86),
        ],
        24,
    )
    lid = cylinder(height * 0.84, height, radius * rng.uniform(0.88, 1.0), edge=0.002)
    return assembled([(body, skin), (lid, oneof(rng, metal, plastic, timber))])


def bucket(rng: Generator) -> Design:
    radius, height = rng.uniform(0.06, 0.12), rng.uniform(0.09, 0.19)
    low = radius * rng.uniform(0.65, 0.9)
    body = shell([(0, 0.004), (low, 0.004), (radius, height)], wall_of(rng, 2 * radius))
    rim = torus((0, 0, height), radius, 0.004)
    skin = oneof(rng, plastic, metal, painted)
    up = rng.random() < 0.6
    handle = hoop((0, 0, height - 0.006), radius + 0.003, radius * rng.uniform(0.8, 1.1), 0.0032)
    if not up:
        handle = translated(
            rotated(hoop((0, 0, 0), radius + 0.008, radius + 0.008, 0.0032), TO_Y), (0, 0, height - 0.012)
        )
    return assembled([(body, skin), (rim, skin), (handle, oneof(rng, metal, plastic))])


def basket(rng: Generator) -> Design:
    """Wall of slats or with windows, with or without a hoop."""
    radius, height, count = rng.uniform(0.07, 0.12), rng.uniform(0.06, 0.13), int(rng.integers(10, 20))
    low, wall = radius * rng.uniform(0.75, 0.95), wall_of(rng, 2 * radius)
    body = shell([(0, 0.004), (low, 0.004), (radius, height)], wall)
    width = np.pi * radius / count * rng.uniform(0.4, 0.6)
    windows = [
        around(box((radius, 0, z), (radius, 2 * width, height * 0.2), 0), count) for z in (height * 0.35, height * 0.68)
    ]
    skin = oneof(rng, timber, plastic, metal)
    parts: list[Part] = [(difference(body, *windows), skin)]
    if rng.random() < 0.5:
        parts.append((hoop((0, 0, height - 0.01), radius, radius * rng.uniform(0.8, 1.3), 0.005), skin))
    return assembled(parts)


def vase(rng: Generator) -> Design:
    height, radius = rng.uniform(0.1, 0.28), rng.uniform(0.03, 0.065)
    points = [(radius * rng.uniform(0.5, 0.9), 0.004)]
    points += [(radius * rng.uniform(0.45, 1.1), height * k) for k in (0.3, 0.6, 0.85)] + [
        (radius * rng.uniform(0.4, 1.0), height)
    ]
    line = np.concatenate([[(0, 0.004)], bent(points, 18)])
    return assembled([(shell(line, wall_of(rng, height)), ceramic(rng))])


def flower_pot(rng: Generator) -> Design:
    """Empty, or with earth and a succulent."""
    radius, height = rng.uniform(0.035, 0.08), rng.uniform(0.06, 0.12)
    line = [
        (0, 0.004),
        (radius * 0.68, 0.004),
        (radius * 0.95, height * 0.8),
        (radius, height * 0.8),
        (radius * 1.03, height),
    ]
    parts: list[Part] = [(shell(line, wall_of(rng, height)), oneof(rng, ceramic, timber, plastic))]
    if rng.random() < 0.5:
        leaf = tube([(0.004, 0, height * 0.7), (radius * 0.9, 0, height * rng.uniform(1.1, 1.7))], [0.009, 0.003])
        parts += [
            (cylinder(height * 0.1, height * 0.75, radius * 0.85), rubber(rng)),
            (around(leaf, int(rng.integers(5, 9))), plastic(rng)),
        ]
    return assembled(parts)


def funnel(rng: Generator) -> Design:
    """Standing on its mouth."""
    radius, cone, stem = rng.uniform(0.04, 0.08), rng.uniform(0.04, 0.07), rng.uniform(0.04, 0.08)
    tip = radius * rng.uniform(0.1, 0.2) + 0.003
    line = [(radius, 0.003), (radius, 0.012), (tip, 0.012 + cone), (tip * 0.8, cone + stem)]
    return assembled([(shell(line, wall_of(rng, 2 * radius)), oneof(rng, plastic, metal))])


def canister(rng: Generator) -> Design:
    """Jerry can with a handle cut out of its body."""
    width, depth, height = rng.uniform(0.11, 0.17), rng.uniform(0.06, 0.1), rng.uniform(0.15, 0.24)
    body = box((0, 0, height / 2), (width, depth, height), 0.012)
    grip = translated(
        rotated(extrusion(oval(width * 0.5, height * 0.18), -1, 1), TO_Y), (-width * 0.05, 0, height * 0.82)
    )
    cap = translated(cylinder(height - 0.004, height + 0.02, 0.017, edge=0.001), (width * 0.3, 0, 0))
    skin = patched(plastic(rng), label(rng), (0, -1, height * 0.38), (width * 0.8, height * 0.5), axis=1)
    return assembled([(difference(body, grip), skin), (cap, plastic(rng))])


def watering_can(rng: Generator) -> Design:
    radius, height, skin = rng.uniform(0.045, 0.07), rng.uniform(0.08, 0.13), oneof(rng, plastic, metal)
    body = shell([(0, 0.003), (radius, 0.003), (radius * 0.92, height)], 0.0026)
    spout = tube([(-radius * 0.85, 0, height * 0.3), (-radius * 2.1, 0, height * 1.05)], [0.011, 0.0065])
    rose = sphere((-radius * 2.1, 0, height * 1.05), 0.015)
    handle = tube(
        bent(
            [
                (radius * 0.9, 0, height * 0.15),
                (radius * 1.8, 0, height * 0.7),
                (radius, 0, height * 1.3),
                (-radius * 0.6, 0, height),
            ],
            14,
        ),
        np.full(14, 0.005),
    )
    inside = cylinder(0.006, height * 2, radius * 0.9)
    return assembled([(body, skin), (difference(spout, inside), skin), (rose, metal(rng)), (handle, skin)], 0.002)


FAMILIES: dict[str, Family] = {
    "bottle": bottle,
    "flask": flask,
    "spray_bottle": spray_bottle,
    "pump_dispenser": pump_dispenser,
    "jar": jar,
    "bucket": bucket,
    "basket": basket,
    "vase": vase,
    "flower_pot": flower_pot,
    "funnel": funnel,
    "canister": canister,
    "watering_can": watering_can,
}
