"""Machine parts and fittings."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ...synthetic.sdf import Array, Sdf, arc, box, difference, lathe, rotated, translated, tube, union
from ..design import Design, Family, Part, assembled
from ..outlines import TO_X, gear, helix, oval, rectangle, regular
from ..paint import metal, painted, plastic, rubber
from ..shapes import around, cylinder, extrusion, intersection, sphere
from .kit import oneof, pick, wall_of


def gear_wheel(rng: Generator) -> Design:
    radius, thick = rng.uniform(0.02, 0.07), rng.uniform(0.008, 0.025)
    wheel = extrusion(gear(int(rng.integers(10, 30)), radius * rng.uniform(0.8, 0.9), radius), 0, thick, 0.0008)
    hub = cylinder(0, thick * rng.uniform(1, 2.2), radius * 0.35)
    holes = [cylinder(-1, 1, radius * rng.uniform(0.1, 0.25))]
    if rng.random() < 0.5:
        spoke = translated(cylinder(-1, 1, radius * 0.13), (radius * 0.58, 0, 0))
        holes.append(around(spoke, int(rng.integers(3, 7))))
    return assembled([(difference(union(wheel, hub), *holes), oneof(rng, metal, plastic))])


def nut(rng: Generator) -> Design:
    radius = rng.uniform(0.016, 0.035)
    height = radius * rng.uniform(0.6, 1.3)
    body = intersection(extrusion(regular(6, radius), 0, height), cylinder(0, height, radius * 0.99, edge=radius * 0.1))
    parts = difference(body, cylinder(-1, 1, radius * rng.uniform(0.4, 0.58)))
    if rng.random() < 0.4:
        parts = union(parts, difference(cylinder(0, height * 0.2, radius * 1.25), cylinder(-1, 1, radius * 0.55)))
    return assembled([(parts, oneof(rng, metal, plastic))])


def bolt(rng: Generator) -> Design:
    radius, length = rng.uniform(0.004, 0.011), rng.uniform(0.03, 0.13)
    head = radius * rng.uniform(1.6, 2.1)
    corners = pick(rng, 6, 6, 4, 40)
    top = extrusion(regular(corners, head), -radius * 1.3, 0, 0.0008)
    rings = np.arange(length * 0.3, length - 0.002, radius * 0.5)
    thread = [(radius * (1 if k % 2 else 0.82), z) for k, z in enumerate(rings)]
    shaft = lathe(
        [
            (0, -0.001),
            (radius * 0.95, -0.001),
            (radius * 0.95, length * 0.3),
            *thread,
            (radius * 0.7, length),
            (0, length),
        ]
    )
    slot = cylinder(-1, -radius * 0.6, radius * 0.8) if corners == 40 else cylinder(-1, -0.9, 0.001)
    return assembled([(rotated(union(difference(top, slot), shaft), TO_X), oneof(rng, metal, painted))])


def pipe_fitting(rng: Generator) -> Design:
    """Elbow, tee or straight piece, hollow, with collars."""
    radius, arm = rng.uniform(0.012, 0.026), rng.uniform(0.035, 0.07)
    kind, bore = int(rng.integers(3)), radius - wall_of(rng, 2 * arm)
    bend = arc((0, 0, 0), arm * 0.6, (0, pick(rng, 45, 90)), 9)[:, [0, 2, 1]]
    if kind == 0:
        direction = (bend[-1] - bend[-2]) / np.linalg.norm(bend[-1] - bend[-2])
        path = np.concatenate([[bend[0] - [0, arm * 0.6, 0]], bend, [bend[-1] + direction * arm * 0.6]])
        ends = [path[0], path[-1]]
        paths = [path]
    else:
        ends = [np.array([-arm, 0, 0.0]), np.array([arm, 0, 0.0]), np.array([0, arm, 0.0])][: kind + 1]
        paths = [np.stack([ends[0], ends[1]])] + ([np.stack([[0, 0, 0.0], ends[2]])] if kind == 2 else [])
    solid = union(*(tube(p, np.full(len(p), radius)) for p in paths))
    inner = [tube(_longer(p, radius), np.full(len(p), bore)) for p in paths]
    collars = union(
        *(_collar(end, p, radius) for p in paths for end in (0, -1) if any(np.allclose(p[end], e) for e in ends))
    )
    return assembled([(difference(union(solid, collars), *inner), oneof(rng, metal, plastic))])


def _longer(path: Array, reach: float) -> Array:
    """The path with its ends moved outwards where they leave the solid."""
    moved = np.array(path, float)
    for end, inner in ((0, 1), (-1, -2)):
        if np.linalg.norm(path[end]) > 1e-6:
            moved[end] += 3 * reach * (path[end] - path[inner]) / np.linalg.norm(path[end] - path[inner])
    return moved


def _collar(end: int, path: Array, radius: float) -> Sdf:
    """Thicker ring about the end of a path."""
    inner = path[1 if end == 0 else -2]
    direction = (path[end] - inner) / np.linalg.norm(path[end] - inner)
    return tube([path[end] - 0.012 * direction, path[end] + 0.001 * direction], [radius * 1.22] * 2)


def bracket(rng: Generator) -> Design:
    """Angle with holes, at times with a rib."""
    a, b, width, thick = (
        rng.uniform(0.04, 0.1),
        rng.uniform(0.04, 0.1),
        rng.uniform(0.025, 0.06),
        rng.uniform(0.0035, 0.006),
    )
    lying, standing = (
        box((a / 2, 0, thick / 2), (a, width, thick), 0.0008),
        box((thick / 2, 0, b / 2), (thick, width, b), 0.0008),
    )
    holes = [translated(cylinder(-1, 1, 0.0045), (a * x, y * width, 0)) for x in (0.5, 0.8) for y in (-0.25, 0.25)]
    holes += [translated(rotated(cylinder(-1, 1, 0.0045), TO_X), (0, y * width, b * 0.7)) for y in (-0.25, 0.25)]
    shape = difference(union(lying, standing), *holes)
    if rng.random() < 0.5:
        rib = extrusion([(thick, thick), (a * 0.7, thick), (thick, b * 0.7)], -0.0025, 0.0025)
        shape = union(shape, rotated(rib, np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])))
    return assembled([(shape, oneof(rng, metal, painted))])


def spring(rng: Generator) -> Design:
    radius, wire, turns = rng.uniform(0.01, 0.024), rng.uniform(0.0018, 0.0032), rng.uniform(4, 8)
    height = turns * wire * rng.uniform(2.8, 4.5)
    count = int(turns * 14)
    coil = tube(helix(radius, height, turns, count), np.full(count, wire))
    return assembled([(rotated(coil, TO_X), metal(rng))])


def bearing(rng: Generator) -> Design:
    radius, width = rng.uniform(0.018, 0.045), rng.uniform(0.009, 0.02)
    bore, gap = radius * rng.uniform(0.35, 0.55), radius * 0.07
    middle = (radius + bore) / 2
    outer = difference(cylinder(0, width, radius, edge=0.001), cylinder(-1, 1, middle + gap))
    inner = difference(cylinder(0, width, middle - gap, edge=0.001), cylinder(-1, 1, bore))
    web = difference(cylinder(width * 0.2, width * 0.8, middle + gap * 1.2), cylinder(-1, 1, middle - gap * 1.2))
    steel = metal(rng)
    return assembled([(outer, steel), (inner, steel), (web, oneof(rng, rubber, painted, metal))])


def flange(rng: Generator) -> Design:
    radius, height = rng.uniform(0.03, 0.065), rng.uniform(0.02, 0.06)
    plate, neck = cylinder(0, radius * 0.2, radius, edge=0.001), cylinder(0, height, radius * rng.uniform(0.4, 0.6))
    ring = around(translated(cylinder(-1, 1, radius * 0.09), (radius * 0.8, 0, 0)), int(rng.integers(4, 9)))
    return assembled(
        [(difference(union(plate, neck), ring, cylinder(-1, 1, radius * rng.uniform(0.2, 0.35))), metal(rng))]
    )


def pulley(rng: Generator) -> Design:
    radius, width = rng.uniform(0.02, 0.055), rng.uniform(0.014, 0.03)
    groove = radius * rng.uniform(0.65, 0.85)
    line = [
        (0, 0),
        (radius, 0),
        (radius, width * 0.2),
        (groove, width * 0.4),
        (groove, width * 0.6),
        (radius, width * 0.8),
        (radius, width),
        (0, width),
    ]
    return assembled([(difference(lathe(line), cylinder(-1, 1, radius * 0.2)), oneof(rng, metal, plastic, painted))])


def knob(rng: Generator) -> Design:
    """Star grip or door knob."""
    radius, height = rng.uniform(0.018, 0.036), rng.uniform(0.025, 0.06)
    if rng.random() < 0.5:
        top = union(
            cylinder(height * 0.5, height, radius * 0.8, edge=0.003),
            around(
                translated(cylinder(height * 0.5, height, radius * 0.3, edge=0.003), (radius * 0.8, 0, 0)),
                int(rng.integers(3, 7)),
            ),
        )
    else:
        top = sphere((0, 0, height), radius)
    return assembled(
        [
            (top, oneof(rng, plastic, metal, rubber)),
            (cylinder(0, height, radius * 0.4), metal(rng)),
            (cylinder(0, 0.005, radius * 0.9), metal(rng)),
        ]
    )


def profile_bar(rng: Generator) -> Design:
    """Piece of an extruded profile: slotted, U, T, L or I."""
    size, length, wall = rng.uniform(0.02, 0.05), rng.uniform(0.06, 0.3), 0.16
    s = size / 2
    shapes = {
        "i": [
            (-s, -s),
            (s, -s),
            (s, -s * 0.65),
            (s * 0.2, -s * 0.65),
            (s * 0.2, s * 0.65),
            (s, s * 0.65),
            (s, s),
            (-s, s),
            (-s, s * 0.65),
            (-s * 0.2, s * 0.65),
            (-s * 0.2, -s * 0.65),
            (-s, -s * 0.65),
        ],
        "u": [
            (-s, -s),
            (s, -s),
            (s, s),
            (s * (1 - 2 * wall), s),
            (s * (1 - 2 * wall), -s * (1 - 2 * wall)),
            (-s * (1 - 2 * wall), -s * (1 - 2 * wall)),
            (-s * (1 - 2 * wall), s),
            (-s, s),
        ],
        "l": [(-s, -s), (s, -s), (s, -s * 0.65), (-s * 0.65, -s * 0.65), (-s * 0.65, s), (-s, s)],
    }
    bar = extrusion(shapes[pick(rng, "i", "u", "l")], -length / 2, length / 2)
    if rng.random() < 0.3:
        slot = box((s, 0, 0), (s * 0.9, s * 0.5, 1), 0)
        bar = difference(extrusion(rectangle(size, size), -length / 2, length / 2, 0.001), around(slot, 4))
    lying = rng.random() < 0.8
    return assembled([(rotated(bar, TO_X) if lying else bar, oneof(rng, metal, painted))])


def plug(rng: Generator) -> Design:
    """Mains plug, charger or adaptor with pins and a cable end."""
    length, width = rng.uniform(0.035, 0.07), rng.uniform(0.028, 0.05)
    body = extrusion(oval(width, width * rng.uniform(0.6, 1.0), power=rng.uniform(2, 6)), 0, length, 0.006)
    pins = union(*(translated(cylinder(-0.018, 0.004, 0.0028), (x, 0, 0)) for x in (-0.0095, 0.0095)))
    cable = tube(
        [
            (0, 0, length - 0.004),
            (0, 0, length + 0.02),
            (rng.uniform(-0.02, 0.02), 0, length + rng.uniform(0.03, 0.06)),
        ],
        [0.0055, 0.004, 0.0035],
    )
    parts: list[Part] = [(body, oneof(rng, plastic, rubber)), (pins, metal(rng))]
    if rng.random() < 0.7:
        parts.append((cable, rubber(rng)))
    return assembled([(rotated(solid, TO_X), skin) for solid, skin in parts])


def ring_spool(rng: Generator) -> Design:
    """Spool with wire, cable reel or chain of rings."""
    radius, width = rng.uniform(0.025, 0.065), rng.uniform(0.03, 0.08)
    rims = union(
        *(difference(cylinder(z, z + 0.005, radius), cylinder(-1, 1, radius * 0.2)) for z in (0, width - 0.005))
    )
    filled = radius * rng.uniform(0.5, 0.9)
    coils = [(filled + (0.0009 if k % 2 else -0.0009), z) for k, z in enumerate(np.arange(0.004, width - 0.004, 0.003))]
    core = difference(lathe([(0, 0.003), *coils, (0, width - 0.003)]), cylinder(-1, 1, radius * 0.2))
    return assembled([(rims, oneof(rng, plastic, metal)), (core, oneof(rng, painted, metal, rubber))])


def carabiner(rng: Generator) -> Design:
    """Hook, shackle or split ring."""
    length, wire = rng.uniform(0.05, 0.11), rng.uniform(0.0035, 0.0065)
    loop = oval(length, length * rng.uniform(0.4, 0.65), 24, rng.uniform(2, 3)) * np.array([1, 1.0])
    loop[:, 1] *= np.interp(loop[:, 0], [-length / 2, length / 2], [rng.uniform(0.6, 1), 1])
    closed = np.concatenate([loop, loop[: pick(rng, 1, 1)]])
    ring = tube(np.column_stack([closed, np.zeros(len(closed))]), np.full(len(closed), wire))
    sleeve = rotated(cylinder(-0.012, 0.012, wire * 1.5), TO_X)
    return assembled(
        [(ring, oneof(rng, metal, painted)), (translated(sleeve, (0, loop[:, 1].max(), 0)), oneof(rng, metal, rubber))]
    )


FAMILIES: dict[str, Family] = {
    "gear": gear_wheel,
    "nut": nut,
    "bolt": bolt,
    "pipe_fitting": pipe_fitting,
    "bracket": bracket,
    "spring": spring,
    "bearing": bearing,
    "flange": flange,
    "pulley": pulley,
    "knob": knob,
    "profile_bar": profile_bar,
    "plug": plug,
    "spool": ring_spool,
    "carabiner": carabiner,
}
