"""What one cooks and serves with."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ...synthetic.sdf import arc, difference, lathe, rotated, shell, translated, tube, union
from ..design import Design, Family, Part, assembled
from ..outlines import TO_X, bent, oval
from ..paint import ceramic, metal, painted, plastic, timber
from ..shapes import around, cylinder, extrusion, mirrored, rod, sphere, torus
from .kit import oneof, turned, wall_of


def ladle(rng: Generator) -> Design:
    radius, length = rng.uniform(0.028, 0.045), rng.uniform(0.16, 0.28)
    t = np.radians(np.linspace(-90, -5, 10))
    scoop = shell(np.stack([radius * np.cos(t), radius * (1 + np.sin(t))], axis=1) + [0, 0.003], 0.0022)
    lean = rng.uniform(0.1, 0.9)
    path = bent(
        [
            (radius, 0, radius),
            (radius + 0.02, 0, radius + 0.03),
            (radius + length * lean, 0, radius + length * (1 - 0.6 * lean)),
        ],
        7,
    )
    skin = oneof(rng, metal, plastic, timber)
    return assembled([(scoop, skin), (tube(path, np.full(7, rng.uniform(0.003, 0.006))), skin)], 0.004)


def spatula(rng: Generator) -> Design:
    length, width = rng.uniform(0.06, 0.1), rng.uniform(0.05, 0.09)
    blade = extrusion(oval(length, width, power=rng.uniform(3, 8)), 0, rng.uniform(0.003, 0.005), 0.0012)
    slot = extrusion(oval(length * 0.6, 0.006, 12), -0.01, 0.02)
    slots = [translated(slot, (0, y, 0)) for y in (-0.3 * width, 0, 0.3 * width)] if rng.random() < 0.6 else []
    end, lift = length / 2 + rng.uniform(0.15, 0.22), rng.uniform(0.012, 0.04)
    path = bent([(length * 0.4, 0, 0.003), (length * 0.8, 0, lift), (end, 0, lift)], 8)
    handle = tube(path, np.linspace(0.004, rng.uniform(0.006, 0.011), 8))
    return assembled(
        [(difference(blade, *slots), oneof(rng, metal, plastic, timber)), (handle, oneof(rng, plastic, timber, metal))],
        0.003,
    )


def cutlery(rng: Generator) -> Design:
    """Spoon, fork or table knife, a little thicker than real ones."""
    kind, length = int(rng.integers(3)), rng.uniform(0.13, 0.2)
    skin = metal(rng) if rng.random() < 0.7 else plastic(rng)
    handle = tube([(0, 0, 0.0035), (length * 0.5, 0, 0.008), (length, 0, 0.005)], [0.003, 0.0028, 0.0052])
    if kind == 0:
        head = translated(difference(sphere((0, 0, 0), 0.021), sphere((0, 0, 0.011), 0.0225)), (-0.013, 0, 0.021))
    elif kind == 1:
        tines = [rod((-0.045, y, 0.006), (-0.008, y, 0.0036), 0.0021) for y in (-0.009, -0.003, 0.003, 0.009)]
        head = union(*tines, extrusion(oval(0.03, 0.022), 0.0015, 0.0055, 0.001))
    else:
        head = translated(extrusion(oval(0.1, 0.018, power=3), 0.001, 0.005, 0.001), (-0.045, 0, 0))
    return assembled([(head, skin), (handle, skin if rng.random() < 0.6 else plastic(rng))], 0.005)


def chef_knife(rng: Generator) -> Design:
    blade_length, depth = rng.uniform(0.12, 0.2), rng.uniform(0.025, 0.045)
    outline = bent([(0, 0), (blade_length * 0.6, 0.002), (blade_length, depth * 0.75)], 10)
    blade = extrusion(np.concatenate([outline, [(0, depth)]]), 0.006, 0.0095)
    grip = tube(
        [(0.006, depth * 0.75, 0.009), (-0.06, depth * 0.7, 0.009), (-0.11, depth * 0.62, 0.009)],
        [0.008, 0.009, 0.0085],
    )
    return assembled([(blade, metal(rng)), (grip, oneof(rng, timber, plastic))], 0.002)


def whisk(rng: Generator) -> Design:
    width, length = rng.uniform(0.022, 0.034), rng.uniform(0.09, 0.13)
    wire = tube(
        bent(
            [
                (0.005, 0, 0.1),
                (width, 0, 0.1 + length * 0.6),
                (width * 0.5, 0, 0.1 + length * 0.95),
                (0, 0, 0.1 + length),
            ],
            9,
        ),
        np.full(9, 0.0021),
    )
    solid = rotated(union(around(wire, int(rng.integers(5, 8)))), TO_X)
    handle = rotated(tube([(0, 0, 0), (0, 0, 0.105)], [0.009, 0.0075]), TO_X)
    return assembled([(handle, oneof(rng, metal, plastic, timber)), (solid, metal(rng))])


def rolling_pin(rng: Generator) -> Design:
    radius, half = rng.uniform(0.018, 0.03), rng.uniform(0.08, 0.125)
    profile = [(0, -half - 0.055), (0.011, -half - 0.05), (0.009, -half - 0.006), (0.009, -half), (radius, -half)]
    profile += [(r, -z) for r, z in profile[::-1]]
    return assembled([(rotated(lathe(profile, 0.001), TO_X), timber(rng))])


def cutting_board(rng: Generator) -> Design:
    length, width = rng.uniform(0.16, 0.28), rng.uniform(0.1, 0.2)
    board = extrusion(oval(length, width, 40, rng.uniform(4, 14)), 0, rng.uniform(0.008, 0.022), 0.002)
    tab = translated(extrusion(oval(0.12, rng.uniform(0.03, 0.06), power=4), 0, 0.011, 0.002), (length / 2, 0, 0))
    hole = translated(cylinder(-0.1, 0.1, 0.007), (length / 2 + 0.035, 0, 0))
    parts: list[Part] = [(board, oneof(rng, timber, timber, plastic))]
    if rng.random() < 0.6:
        parts = [(difference(union(board, tab), hole), parts[0][1])]
    return assembled(parts)


def tray(rng: Generator) -> Design:
    length, width, height = rng.uniform(0.16, 0.34), rng.uniform(0.12, 0.22), rng.uniform(0.02, 0.05)
    wall, power = wall_of(rng, length), rng.uniform(3, 10)
    outer = extrusion(oval(length, width, 40, power), 0, height, 0.003)
    inner = extrusion(
        oval(length - 2 * wall - 0.002, width - 2 * wall - 0.002, 40, power), wall + 0.001, height * 2, 0.002
    )
    return assembled([(difference(outer, inner), oneof(rng, timber, plastic, painted, metal))])


def shaker(rng: Generator) -> Design:
    """Salt or pepper mill."""
    height, radius = rng.uniform(0.07, 0.2), rng.uniform(0.018, 0.03)
    waist = rng.uniform(0.6, 1.0)
    line = bent([(radius, 0), (radius * waist, height * 0.45), (radius * 0.85, height * 0.72)], 12)
    body = lathe([(0, 0), *line, (0, height * 0.72)])
    head = turned([(0, height * 0.71), (radius * 0.95, height * 0.74), (radius * 0.8, height * 0.9), (0, height)])
    knob = sphere((0, 0, height), 0.007)
    return assembled(
        [(body, oneof(rng, timber, ceramic, plastic, metal)), (union(head, knob), oneof(rng, timber, metal))]
    )


def colander(rng: Generator) -> Design:
    radius, count = rng.uniform(0.07, 0.11), int(rng.integers(8, 14))
    t = np.radians(np.linspace(-90, -4, 14))
    line = np.stack([radius * np.cos(t), radius * 0.75 * (1 + np.sin(t))], axis=1) + [0, 0.012]
    holes = [
        around(
            rod(
                (0, 0, radius * 0.8),
                tuple(2 * radius * np.array([np.cos(a), 0, np.sin(a)]) + [0, 0, radius * 0.8]),
                0.006,
            ),
            count,
        )
        for a in (-0.35, -0.75)
    ]
    foot = torus((0, 0, 0.006), radius * 0.45, 0.006)
    rim = torus((0, 0, line[-1, 1]), radius, 0.0045)
    skin = oneof(rng, metal, plastic)
    return assembled([(difference(shell(line, wall_of(rng, 2 * radius)), *holes), skin), (foot, skin), (rim, skin)])


def grater_box(rng: Generator) -> Design:
    """Four-sided cone, open below, with a handle on top."""
    low, high, height = rng.uniform(0.04, 0.06), rng.uniform(0.025, 0.038), rng.uniform(0.14, 0.21)
    outer = rotated(lathe([(0, 0), (low, 0), (high, height), (0, height)]), np.eye(3))
    inner = lathe([(0, -1), (low - 0.003, -0.001), (high - 0.003, height - 0.003), (0, height - 0.003)])
    holes = [
        around(rod((0, 0, z), (0.2, 0, z), 0.004), int(rng.integers(6, 10)))
        for z in np.arange(0.03, height - 0.03, 0.018)
    ]
    handle = tube(arc((0, 0, height), high * 0.8, (0, 180), 9), np.full(9, 0.005))
    return assembled([(difference(outer, inner, *holes), metal(rng)), (mirrored(handle), plastic(rng))])


FAMILIES: dict[str, Family] = {
    "ladle": ladle,
    "spatula": spatula,
    "cutlery": cutlery,
    "chef_knife": chef_knife,
    "whisk": whisk,
    "rolling_pin": rolling_pin,
    "cutting_board": cutting_board,
    "tray": tray,
    "shaker": shaker,
    "colander": colander,
    "grater": grater_box,
}
