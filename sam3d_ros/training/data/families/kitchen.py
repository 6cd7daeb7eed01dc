"""Crockery, pots and what one cooks and eats with."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ...synthetic.sdf import arc, difference, lathe, rotated, shell, translated, tube, union
from ..design import Design, Family, Part, assembled
from ..outlines import about_z, bent
from ..paint import ceramic, metal, painted, plastic, timber
from ..shapes import sphere
from .kit import bar_handle, cup_line, ear, maybe_printed, oneof, pick, wall_of


def mug(rng: Generator) -> Design:
    radius, height = rng.uniform(0.032, 0.048), rng.uniform(0.07, 0.125)
    wall, line = wall_of(rng, height), cup_line(rng, radius, height)
    body = maybe_printed(rng, ceramic(rng), 0.2 * height, 0.85 * height)
    parts: list[Part] = [
        (shell(line, wall), body),
        (ear(rng, line, height), ceramic(rng) if rng.random() < 0.3 else body),
    ]
    return assembled(parts, rng.uniform(0.002, 0.008))


def cup(rng: Generator) -> Design:
    """Without a handle: tumbler, paper cup, tea bowl."""
    height = rng.uniform(0.06, 0.16)
    line = cup_line(rng, height * rng.uniform(0.28, 0.5), height)
    skin = maybe_printed(rng, oneof(rng, ceramic, plastic, painted, metal), 0.2 * height, 0.8 * height)
    return assembled([(shell(line, wall_of(rng, height)), skin)])


def espresso_set(rng: Generator) -> Design:
    """A small cup on its saucer."""
    radius, skin = rng.uniform(0.028, 0.04), ceramic(rng)
    line = np.array(cup_line(rng, radius, rng.uniform(0.05, 0.065))) + [0, 0.0025]
    plate = shell([(0, 0.003), (radius * 1.1, 0.003), (radius * 1.9, rng.uniform(0.008, 0.016))], 0.002)
    return assembled([(shell(line, 0.002), skin), (ear(rng, line, 0.055), skin), (plate, skin)], 0.003)


def bowl(rng: Generator) -> Design:
    radius = rng.uniform(0.05, 0.14)
    depth, power = radius * rng.uniform(0.4, 1.0), rng.uniform(0.35, 1.0)
    t = np.linspace(0, 1, 14)
    line = np.stack([radius * (0.35 + 0.65 * t**power) * np.minimum(1, t * 14), depth * t**1.6 + 0.004], axis=1)
    wall, skin = wall_of(rng, 2 * radius), oneof(rng, ceramic, timber, metal, plastic)
    foot = shell([(radius * 0.33, 0.002), (radius * 0.35, 0.008)], 0.002)
    return assembled([(shell(line, wall), skin), (foot, skin)], 0.003)


def plate(rng: Generator) -> Design:
    radius = rng.uniform(0.07, 0.14)
    rim = rng.uniform(0.01, 0.03)
    line = [(0, 0.004), (radius * rng.uniform(0.55, 0.75), 0.004), (radius * 0.82, rim * 0.5), (radius, rim)]
    return assembled([(shell(line, wall_of(rng, 2 * radius)), ceramic(rng))])


def pot(rng: Generator) -> Design:
    """With two loop handles, at times with its lid."""
    radius, height = rng.uniform(0.07, 0.13), rng.uniform(0.06, 0.15)
    wall, skin, grip = wall_of(rng, 2 * radius), oneof(rng, metal, ceramic), plastic(rng)
    line = [(0, 0.003), (radius * 0.96, 0.003), (radius, 0.012), (radius, height)]
    loop = tube(arc((radius, 0, 0), rng.uniform(0.022, 0.032), (-95, 95), 9)[:, [0, 2, 1]], np.full(9, 0.0045))
    loops = [translated(rotated(loop, about_z(a)), (0, 0, height * 0.8)) for a in (0, np.pi)]
    parts: list[Part] = [(shell(line, wall), skin), (union(*loops), pick(rng, skin, grip))]
    if rng.random() < 0.5:
        lid = shell([(0, height + radius * 0.22), (radius * 0.7, height + radius * 0.14), (radius, height)], wall)
        parts += [(lid, skin), (sphere((0, 0, height + radius * 0.22 + 0.012), 0.013), grip)]
    return assembled(parts)


def pan(rng: Generator) -> Design:
    radius = rng.uniform(0.07, 0.12)
    height = rng.uniform(0.025, 0.07)
    line = [(0, 0.003), (radius * 0.85, 0.003), (radius * 0.93, 0.008), (radius, height)]
    skin = metal(rng)
    handle = bar_handle(rng, radius, height * 0.9, rng.uniform(0.1, 0.16))
    return assembled(
        [(shell(line, wall_of(rng, 2 * radius)), skin), (handle, pick(rng, plastic(rng), timber(rng), skin))]
    )


def jug(rng: Generator) -> Design:
    """With a spout in its rim."""
    radius, height = rng.uniform(0.04, 0.065), rng.uniform(0.12, 0.23)
    belly = rng.uniform(1.0, 1.35)
    line = bent(
        [
            (0.0, 0.004),
            (radius, 0.004),
            (radius * belly, height * 0.35),
            (radius * 0.8, height * 0.8),
            (radius, height),
        ],
        22,
    )
    line[:, 0] = np.maximum(line[:, 0], 0)
    skin, wall = oneof(rng, ceramic, plastic, metal), wall_of(rng, height)
    spout = tube([(-radius * 0.95, 0, height - 0.022), (-radius - 0.022, 0, height - 0.002)], [0.015, 0.012])
    groove = tube([(-radius * 0.8, 0, height - 0.014), (-radius - 0.024, 0, height + 0.004)], [0.012, 0.0105])
    body = difference(union(shell(line, wall), difference(spout, lathe([(0, 0), *line, (0, height)]))), groove)
    return assembled([(body, skin), (ear(rng, line, height), skin)], 0.004)


def teapot(rng: Generator) -> Design:
    radius = rng.uniform(0.05, 0.075)
    squash, skin = rng.uniform(0.7, 1.0), ceramic(rng)
    t = np.linspace(-70, 72, 18)
    line = np.stack([radius * np.cos(np.radians(t)), radius * squash * (1 + np.sin(np.radians(t)))], axis=1) + [
        0,
        0.003,
    ]
    line = np.concatenate([[(0, line[0, 1])], line])
    top = line[-1, 1]
    spout = tube(
        bent([(-radius * 0.8, 0, top * 0.35), (-radius * 1.25, 0, top * 0.5), (-radius * 1.6, 0, top * 0.95)], 8),
        np.linspace(0.017, 0.0075, 8),
    )
    lid = shell([(0, top + 0.012), (radius * 0.25, top + 0.008), (radius * 0.36, top)], 0.0025)
    handle = tube(arc((radius * 0.9, 0, top * 0.52), radius * 0.55, (-80, 80), 11), np.full(11, 0.0055))
    outside = difference(handle, lathe([*line, (0, top)]))
    return assembled(
        [
            (shell(line, 0.0028), skin),
            (spout, skin),
            (outside, skin),
            (lid, skin),
            (sphere((0, 0, top + 0.02), 0.01), ceramic(rng)),
        ],
        0.005,
    )


def goblet(rng: Generator) -> Design:
    radius, stem = rng.uniform(0.028, 0.048), rng.uniform(0.04, 0.09)
    bowl_height = radius * rng.uniform(1.3, 2.4)
    line = bent(
        [
            (0.002, stem),
            (radius * 0.85, stem + bowl_height * 0.3),
            (radius * rng.uniform(0.75, 1.05), stem + bowl_height),
        ],
        14,
    )
    foot = lathe([(0, 0), (radius * 0.95, 0), (radius * 0.95, 0.003), (0.006, 0.008), (0.004, stem), (0, stem + 0.004)])
    skin = oneof(rng, ceramic, metal, plastic, painted)
    return assembled([(shell(line, 0.0018), skin), (foot, skin)], 0.003)


FAMILIES: dict[str, Family] = {
    "mug": mug,
    "cup": cup,
    "espresso_set": espresso_set,
    "bowl": bowl,
    "plate": plate,
    "pot": pot,
    "pan": pan,
    "jug": jug,
    "teapot": teapot,
    "goblet": goblet,
}
