"""Cartons, bags, tubes and what else things are sold in."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from ...synthetic.sdf import Array, Sdf, box, difference, lathe, rotated, translated, union
from ..design import Design, Family, Part, assembled
from ..outlines import TO_X, oval, regular
from ..paint import card, ceramic, metal, painted, plastic, rubber, timber
from ..prints import boxed, label, patched, wrapped
from ..shapes import cylinder, extrusion, half_space, hollow, intersection, rod, sphere
from .kit import hoop, oneof, pick, wall_of


def can(rng: Generator) -> Design:
    radius, height = rng.uniform(0.025, 0.05), rng.uniform(0.05, 0.15)
    rim = radius * 0.93
    body = [
        (0, 0.003),
        (rim - 0.003, 0.003),
        (rim, 0),
        (radius, 0.004),
        (radius, height - 0.004),
        (rim, height),
        (rim - 0.003, height - 0.003),
        (0, height - 0.003),
    ]
    if rng.random() < 0.25:
        body = [*body[:-1], (rim - 0.003, 0.006), (0, 0.006)]
    return assembled([(lathe(body), wrapped(metal(rng), label(rng), 0.006, height - 0.006, copies=pick(rng, 1, 2)))])


def flat_tin(rng: Generator) -> Design:
    """Sardine or sweets tin."""
    length, width, height = rng.uniform(0.07, 0.13), rng.uniform(0.05, 0.09), rng.uniform(0.018, 0.04)
    outline = oval(length, width, 36, rng.uniform(2, 8))
    rim = difference(extrusion(outline, height - 0.003, height + 0.001), extrusion(outline * 0.94, 0, 0.1))
    skin = patched(metal(rng), label(rng, 260, 180), (0, 0, 0), (length, width), axis=2)
    return assembled([(union(extrusion(outline, 0, height - 0.001, 0.003), rim), skin)])


def carton(rng: Generator) -> Design:
    size = np.sort(rng.uniform([0.02, 0.05, 0.06], [0.08, 0.16, 0.26]))[[0, 1, 2] if rng.random() < 0.7 else [1, 2, 0]]
    return assembled([(box((0, 0, size[2] / 2), size, 0.0015), boxed(card(rng), rng, (0, 0, size[2] / 2), size))])


def gable_carton(rng: Generator) -> Design:
    """Milk carton."""
    width, height = rng.uniform(0.055, 0.095), rng.uniform(0.1, 0.2)
    body = box((0, 0, height / 2), (width, width, height), 0.001)
    slope = width * rng.uniform(0.4, 0.6)
    roof = extrusion([(-width / 2, 0), (width / 2, 0), (0.002, slope), (-0.002, slope)], -width / 2, width / 2)
    turned_roof = translated(rotated(roof, np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])), (0, 0, height - 0.001))
    fin = box((0, 0, height + slope + 0.006), (0.004, width, 0.022), 0.001)
    skin = boxed(card(rng), rng, (0, 0, height / 2), (width, width, height))
    parts: list[Part] = [(union(body, turned_roof), skin), (fin, skin)]
    if rng.random() < 0.5:
        lid = rotated(cylinder(0, 0.014, 0.014), np.array([[0.8, 0, 0.6], [0, 1, 0], [-0.6, 0, 0.8]]))
        parts.append((translated(lid, (width * 0.24, 0, height + slope * 0.45)), plastic(rng)))
    return assembled(parts)


def open_box(rng: Generator) -> Design:
    """Without a lid, at times with its flaps bent out."""
    size = rng.uniform([0.08, 0.06, 0.03], [0.24, 0.18, 0.13])
    wall = max(0.0028, 0.02 * float(size.max()))
    hole = box((0, 0, size[2] / 2 + wall), (size[0] - 2 * wall, size[1] - 2 * wall, size[2]), 0)
    shape = difference(box((0, 0, size[2] / 2), size, 0.001), hole)
    if rng.random() < 0.4:
        flap, lean = size[1] * 0.4, rng.uniform(0.1, 0.9)
        for side in (-1, 1):
            end = (0, side * (size[1] / 2 + flap * np.cos(lean)), size[2] + flap * np.sin(lean) * pick(rng, 1, -0.4))
            shape = union(
                shape, _sheet((0, side * (size[1] / 2 - wall / 2), size[2] - wall / 2), end, float(size[0]), wall)
            )
    return assembled([(shape, boxed(oneof(rng, card, timber, plastic), rng, (0, 0, size[2] / 2), size))])


def _sheet(start: ArrayLike, end: ArrayLike, width: float, thickness: float) -> Sdf:
    """Flat strip of this width along x between two lines in the y-z plane."""
    a, b = np.asarray(start, float), np.asarray(end, float)
    along = (b - a) / np.linalg.norm(b - a)
    frame = np.stack([[1.0, 0, 0], along, np.cross([1.0, 0, 0], along)], axis=1)
    return translated(rotated(box((0, 0, 0), (width, float(np.linalg.norm(b - a)), thickness), 0), frame), (a + b) / 2)


def pouch(rng: Generator) -> Design:
    """Filled bag that stands, with a flat seam on top."""
    width, height, depth = rng.uniform(0.08, 0.15), rng.uniform(0.1, 0.2), rng.uniform(0.03, 0.06)

    def belly(p: Array) -> Array:
        share = np.clip(p[..., 2] / height, 0, 1)
        half = (
            depth
            / 2
            * np.sqrt(np.maximum(1 - share**1.5, 0.004))
            * np.sqrt(np.maximum(1 - (1.6 * p[..., 0] / width) ** 4, 0.02))
        )
        side = np.maximum(np.abs(p[..., 0]) - width / 2, np.maximum(-p[..., 2], p[..., 2] - height))
        return np.maximum(0.75 * (np.abs(p[..., 1]) - np.maximum(half, 0.0022)), side)

    return assembled([(belly, patched(painted(rng), label(rng), (0, -1, height * 0.5), (width, height), axis=1))])


def squeeze_tube(rng: Generator) -> Design:
    """Of toothpaste or cream, lying: round at its cap, flat at its end."""
    length, radius = rng.uniform(0.09, 0.17), rng.uniform(0.014, 0.024)

    def body(p: Array) -> Array:
        share = np.clip(p[..., 0] / length, 0, 1)
        half_z, half_y = radius * (1 - share) + 0.0022, radius * (1 + 0.5 * share)
        q = np.hypot(p[..., 1] / half_y, (p[..., 2] - radius) / half_z)
        return np.maximum(0.6 * (q - 1) * np.minimum(half_z, half_y), np.maximum(-p[..., 0], p[..., 0] - length))

    cap = translated(rotated(cylinder(-0.022, 0.002, radius * 0.7, top=radius * 0.8), TO_X), (0, 0, radius))
    skin = patched(
        oneof(rng, plastic, painted), label(rng, 300, 120), (length / 2, 0, radius), (length, 2.2 * radius), axis=2
    )
    return assembled([(body, skin), (cap, plastic(rng))])


def blister(rng: Generator) -> Design:
    """Card with a plastic dome, or a strip of pills."""
    width, height = rng.uniform(0.06, 0.11), rng.uniform(0.09, 0.16)
    sheet = box((0, 0, 0.0015), (width, height, 0.003), 0.0005)
    skin = patched(card(rng), label(rng), (0, 0, -0.1), (width, height), axis=2)
    if rng.random() < 0.5:
        rows, columns = int(rng.integers(3, 6)), int(rng.integers(2, 4))
        spots = [
            (x, y) for x in np.linspace(-0.35, 0.35, columns) * width for y in np.linspace(-0.4, 0.4, rows) * height
        ]
        return assembled([(sheet, skin), (union(*(_pill(x, y) for x, y in spots)), plastic(rng))])
    dome = box((0, -height * 0.1, 0.009), (width * 0.75, height * 0.6, rng.uniform(0.02, 0.04)), 0.008)
    return assembled([(sheet, skin), (intersection(dome, half_space((0, 0, 0), (0, 0, -1))), plastic(rng))])


def _pill(x: float, y: float) -> Sdf:
    return rod((x - 0.004, y, 0.003), (x + 0.004, y, 0.003), 0.0055)


def egg_box(rng: Generator) -> Design:
    columns, pitch = int(rng.integers(2, 6)), rng.uniform(0.04, 0.047)
    cells = [((i - (columns - 1) / 2) * pitch, s * pitch / 2) for i in range(columns) for s in (-1, 1)]
    base = box((0, 0, 0.018), (columns * pitch + 0.012, 2 * pitch + 0.012, 0.036), 0.005)
    skin = card(rng)
    if rng.random() < 0.4:
        lid = box((0, 0, 0.05), (columns * pitch + 0.012, 2 * pitch + 0.012, 0.034), 0.01)
        return assembled([(union(base, lid), skin)])
    open_ = difference(base, *(sphere((x, y, 0.032), pitch * 0.46) for x, y in cells))
    eggs = [sphere((x, y, 0.033), pitch * 0.4) for x, y in cells if rng.random() < 0.5]
    return assembled(
        [
            (open_, skin),
            *((egg, ceramic(rng)) for egg in eggs[:1]),
            *([(union(*eggs[1:]), card(rng))] if eggs[1:] else []),
        ]
    )


def crate(rng: Generator) -> Design:
    """Box of slats."""
    size = rng.uniform([0.14, 0.1, 0.07], [0.3, 0.2, 0.14])
    wall = 0.022 * float(size.max())
    hole = box((0, 0, size[2] / 2 + wall), (size[0] - 2 * wall, size[1] - 2 * wall, size[2]), 0)
    gaps = [
        box((0, 0, size[2] * z), (size[0] * a, size[1] * b, size[2] * 0.16), 0.002)
        for z in (0.38, 0.7)
        for a, b in ((0.84, 2), (2, 0.84))
    ]
    return assembled([(difference(box((0, 0, size[2] / 2), size, 0.002), hole, *gaps), oneof(rng, timber, plastic))])


def drum_box(rng: Generator) -> Design:
    """Polygonal gift box with a lid, or an open pen pot."""
    corners, radius, height = int(rng.integers(3, 9)), rng.uniform(0.035, 0.07), rng.uniform(0.04, 0.12)
    solid, skin = extrusion(regular(corners, radius), 0, height, 0.002), oneof(rng, card, painted, metal, timber)
    if rng.random() < 0.5:
        wall = wall_of(rng, max(height, 2 * radius)) * 2
        return assembled([(difference(hollow(solid, wall), half_space((0, 0, height - wall * 1.1), (0, 0, -1))), skin)])
    lid = extrusion(regular(corners, radius * 1.07), height * 0.75, height * 1.05, 0.002)
    return assembled([(solid, skin), (lid, painted(rng))])


def roll(rng: Generator) -> Design:
    """Of paper, standing or lying: toilet paper, kitchen towel, tape without its dispenser."""
    radius, height = rng.uniform(0.03, 0.065), rng.uniform(0.018, 0.23)
    core = radius * rng.uniform(0.3, 0.8)
    ring = difference(cylinder(0, height, radius, edge=0.001), cylinder(-1, 1, core))
    sleeve = difference(cylinder(0.0005, height - 0.0005, core + 0.004), cylinder(-1, 1, core))
    return assembled([(ring, oneof(rng, card, painted, plastic)), (sleeve, card(rng))])


def bag(rng: Generator) -> Design:
    """Paper carrier bag, open above, with two loops."""
    width, depth, height = rng.uniform(0.1, 0.19), rng.uniform(0.05, 0.1), rng.uniform(0.13, 0.23)
    wall = 0.019 * max(width, height)
    body = difference(
        box((0, 0, height / 2), (width, depth, height), 0.001),
        box((0, 0, height / 2 + wall), (width - 2 * wall, depth - 2 * wall, height), 0),
    )
    loops = [
        hoop((0, side * (depth / 2 - wall / 2), height - 0.005), width * 0.22, height * 0.25, 0.0032)
        for side in (-1, 1)
    ]
    skin = boxed(card(rng), rng, (0, 0, height / 2), (width, depth, height))
    return assembled([(body, skin), (union(*loops), oneof(rng, rubber, card))])


def tote(rng: Generator) -> Design:
    """Food container: rounded, with a lid that stands out, or open."""
    length, width, height = rng.uniform(0.1, 0.22), rng.uniform(0.08, 0.15), rng.uniform(0.04, 0.09)
    outline, skin = oval(length, width, 36, rng.uniform(4, 9)), plastic(rng)
    body = extrusion(outline, 0, height, 0.004)
    if rng.random() < 0.5:
        wall = wall_of(rng, length)
        body = difference(body, extrusion(outline - np.sign(outline) * 2 * wall, 2 * wall, 2 * height))
        return assembled([(body, skin)])
    return assembled([(body, skin), (extrusion(outline * 1.05, height - 0.002, height + 0.009, 0.002), plastic(rng))])


FAMILIES: dict[str, Family] = {
    "can": can,
    "flat_tin": flat_tin,
    "carton": carton,
    "gable_carton": gable_carton,
    "open_box": open_box,
    "pouch": pouch,
    "squeeze_tube": squeeze_tube,
    "blister": blister,
    "egg_box": egg_box,
    "crate": crate,
    "drum_box": drum_box,
    "roll": roll,
    "bag": bag,
    "tote": tote,
}
