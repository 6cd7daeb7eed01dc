"""Household objects and tools for synthetic scenes: closed surfaces with solid textures, made from formulas.

Every prop rests on its lowest points with z up; its mesh is centred on its box, as this package's object frame asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from ...geometry import Mesh
from . import labels
from .sdf import (
    Sdf,
    arc,
    blend,
    box,
    difference,
    ellipsoid,
    lathe,
    rotated,
    rounded_line,
    shell,
    translated,
    tube,
    union,
)
from .surface import Albedo, Array, coloured, mesh_of
from .textures import band, decal, mix, noise, rgb, step, wood


@dataclass(frozen=True, slots=True, eq=False)
class Finish:
    """How a surface returns light: strength and sharpness of its highlight."""

    specular: float
    shininess: float


GLAZE, PLASTIC, METAL = Finish(0.5, 90.0), Finish(0.28, 40.0), Finish(0.75, 60.0)
PAPER, SKIN, TIMBER = Finish(0.05, 10.0), Finish(0.12, 18.0), Finish(0.1, 15.0)


@dataclass(frozen=True, slots=True, eq=False)
class Solid:
    """Shape, colour and finish before meshing; colours are given for the points of the shape's own frame."""

    shape: Sdf
    bounds: tuple[Array, Array]  # lower and upper corner of a box around it
    albedo: Albedo
    finish: Finish
    step: float = 0.0015


@dataclass(frozen=True, slots=True, eq=False)
class Prop:
    """A meshed object; `albedo` takes points of the mesh's frame."""

    name: str
    mesh: Mesh
    albedo: Albedo
    finish: Finish


def prop_names() -> tuple[str, ...]:
    """Names of all objects that can be placed."""
    return tuple(SOLIDS)


@lru_cache(maxsize=64)
def make_prop(name: str, triangles: int = 14_000) -> Prop:
    """Mesh the object of this name; raises KeyError for a name that is not in `prop_names()`."""
    if name not in SOLIDS:
        raise KeyError(f"no object {name!r}: choose from {', '.join(SOLIDS)}")
    solid = SOLIDS[name]()
    raw = mesh_of(solid.shape, solid.bounds, step=solid.step, triangles=triangles)
    centre = raw.box_centre.astype(float)

    def albedo(points: Array) -> Array:
        return np.clip(solid.albedo(points + centre), 0, 1)

    mesh = Mesh(raw.vertices - centre.astype(np.float32), raw.triangles, raw.vertex_colors)
    return Prop(name, coloured(mesh, albedo), albedo, solid.finish)


def _around(lower: ArrayLike, upper: ArrayLike) -> tuple[Array, Array]:
    margin = 0.005
    return np.asarray(lower, float) - margin, np.asarray(upper, float) + margin


def _radius(p: Array) -> Array:
    return np.hypot(p[:, 0], p[:, 1])


def _mug() -> Solid:
    wall = shell([(0, 0.0045), (0.030, 0.0045), (0.0345, 0.006), (0.0366, 0.010), (0.0366, 0.093)], 0.0024)
    handle = tube(arc((0.037, 0, 0.05), 0.027, (-75, 75), 13), np.full(13, 0.0052))
    shape = blend(0.006, wall, handle)

    def albedo(p: Array) -> Array:
        inside = (_radius(p) < 0.0366) & (p[:, 2] > 0.005)
        color = mix(rgb("1f6f8b"), rgb("f2c14e"), band(0.030, 0.044, p[:, 2]) * (p[:, 0] < 0.04))
        color = mix(color, rgb("f4efe6"), band(0.047, 0.050, p[:, 2]) * (p[:, 0] < 0.04))
        return mix(color, rgb("f6f2e8"), np.where(inside | (p[:, 2] > 0.093), 1.0, 0.0))

    return Solid(shape, _around((-0.04, -0.04, 0), (0.07, 0.04, 0.096)), albedo, GLAZE)


def _bowl() -> Solid:
    angle = np.radians(np.linspace(-90, -4, 16))
    wall = shell(np.stack([0.0735 * np.cos(angle), 0.070 + 0.064 * np.sin(angle)], axis=1), 0.0027)
    foot = shell([(0.030, 0.003), (0.032, 0.010)], 0.003)

    def albedo(p: Array) -> Array:
        inner = ((((p - [0, 0, 0.070]) / [0.0735, 0.0735, 0.064]) ** 2).sum(axis=1) < 1) & (p[:, 2] > 0.007)
        rings = 0.5 + 0.5 * np.sin(p[:, 2] / 0.0042 * np.pi)
        outside = mix(rgb("b5483a"), rgb("e9d8b8"), band(0.036, 0.056, p[:, 2]) * step(0.5, rings, 0.2))
        return np.where(inner[:, None], mix(rgb("efe6d2"), rgb("b5483a"), step(0.0645, p[:, 2])), outside)

    return Solid(blend(0.004, wall, foot), _around((-0.08, -0.08, 0), (0.08, 0.08, 0.07)), albedo, GLAZE)


def _bottle() -> Solid:
    profile = [(0, 0), (0.030, 0), (0.033, 0.004), (0.033, 0.120), (0.030, 0.136), (0.020, 0.155)]
    profile += [(0.0125, 0.168), (0.0125, 0.186), (0, 0.186)]
    cap = lathe([(0, 0.186), (0.0145, 0.186), (0.0145, 0.206), (0.013, 0.208), (0, 0.208)])
    label = labels.bottle_label()

    def albedo(p: Array) -> Array:
        color = mix(rgb("2d7d46"), rgb("3f9a5a"), noise(p, 0.02, 3))
        around = np.arctan2(p[:, 1], p[:, 0]) / (2 * np.pi) * 2 % 1
        painted, cover = decal(label, around, (p[:, 2] - 0.035) / 0.07)
        color = np.where((cover > 0.5)[:, None], painted, color)
        return mix(color, rgb("f0ede4"), step(0.186, p[:, 2]))

    shape = union(lathe(profile), cap)
    return Solid(shape, _around((-0.034, -0.034, 0), (0.034, 0.034, 0.209)), albedo, PLASTIC)


def _cereal_box() -> Solid:
    size = np.array([0.062, 0.150, 0.198])
    front, side = labels.box_front(), labels.box_side()

    def albedo(p: Array) -> Array:
        u, v = p[:, 1] / size[1] + 0.5, p[:, 2] / size[2]
        picture, cover = decal(front, np.where(p[:, 0] > 0, u, 1 - u), v)
        narrow, narrow_cover = decal(side, 0.5 - np.sign(p[:, 1]) * p[:, 0] / size[0], v)
        facing = np.argmax(np.abs(p - [0, 0, size[2] / 2]) / size, axis=1)
        color = np.broadcast_to(rgb("d8432e"), p.shape)
        color = np.where(((facing == 0) & (cover > 0.5))[:, None], picture, color)
        return np.where(((facing == 1) & (narrow_cover > 0.5))[:, None], narrow, color)

    shape = box((0, 0, size[2] / 2), size, 0.0025)
    return Solid(shape, _around(-size * [0.5, 0.5, 0], size * [0.5, 0.5, 1]), albedo, PAPER, 0.002)


def _can() -> Solid:
    body = [(0, 0.003), (0.0285, 0.003), (0.0305, 0), (0.0335, 0.0015), (0.033, 0.006), (0.033, 0.104)]
    body += [(0.0335, 0.1085), (0.0305, 0.110), (0.0285, 0.107), (0, 0.107)]
    label = labels.can_label()

    def albedo(p: Array) -> Array:
        around = np.arctan2(p[:, 1], p[:, 0]) / (2 * np.pi) * 2 % 1
        painted, cover = decal(label, around, (p[:, 2] - 0.008) / 0.094)
        ring = 0.5 + 0.5 * np.cos(_radius(p) / 0.006 * np.pi)
        metal = mix(rgb("b9bdc1"), rgb("8d9398"), ring)
        return np.where(((cover > 0.5) & (_radius(p) > 0.032))[:, None], painted, metal)

    return Solid(lathe(body), _around((-0.034, -0.034, 0), (0.034, 0.034, 0.11)), albedo, METAL, 0.001)


def _banana() -> Solid:
    curve = arc((0, 0, 0), 0.095, (22, 158), 15)[:, [0, 2, 1]] + np.array([0, -0.06, 0.019])
    profile = np.interp(np.linspace(0, 1, 15), [0, 0.08, 0.2, 0.5, 0.8, 0.93, 1], [6, 9, 16, 18.5, 16, 7, 4.5]) / 1000
    curve[:, 2] = np.maximum(profile, 0.019 - 0.5 * (0.019 - profile))
    curve[[0, -1], 2] += 0.004

    def albedo(p: Array) -> Array:
        along = (p[:, 0] / 0.088 + 1) / 2
        skin = mix(rgb("f2cf3b"), rgb("d9b02a"), noise(p, 0.03, 5))
        skin = mix(skin, rgb("7a4f1e"), 0.8 * step(0.80, noise(p, 0.005, 6), 0.08) * noise(p, 0.04, 7))
        skin = mix(skin, rgb("a9b545"), 0.7 * step(0.86, along, 0.15))
        return mix(skin, rgb("3d2a17"), 1 - band(0.028, 0.985, along, 0.02))

    return Solid(tube(curve, profile), _around((-0.1, -0.03, 0), (0.1, 0.06, 0.039)), albedo, SKIN)


def _hammer() -> Solid:
    handle = tube([(-0.13, 0, 0), (-0.06, 0, 0), (0.02, 0, 0), (0.115, 0, 0)], [0.0135, 0.0145, 0.010, 0.0105])
    face = rotated(lathe([(0, 0.0), (0.0125, 0.0), (0.0125, 0.012), (0.0095, 0.016), (0.0095, 0.04), (0, 0.04)]), _TURN)
    face = translated(face, (0.115, -0.052, 0))
    cheek = box((0.115, 0.0, 0), (0.027, 0.032, 0.024), 0.003)
    claw = tube([(0.115, 0.012, 0), (0.113, 0.034, 0), (0.106, 0.054, 0)], [0.0105, 0.0085, 0.004])
    resting = translated(union(handle, face, cheek, claw), (0, 0, 0.0145))

    def albedo(p: Array) -> Array:
        timber = wood(p, rgb("c98f4f"), rgb("7d4c22"), 11)
        grip = mix(timber, rgb("c0392b"), step(-0.05, -p[:, 0] - 0.02, 0.001))
        steel = mix(rgb("4a4f55"), rgb("6c737a"), noise(p, 0.008, 12))
        head = (np.abs(p[:, 0] - 0.112) < 0.0165) & ((np.abs(p[:, 1]) > 0.0112) | (p[:, 0] < 0.13))
        return np.where((head & (p[:, 0] > 0.0995))[:, None], steel, grip)

    return Solid(resting, _around((-0.145, -0.055, 0), (0.131, 0.06, 0.029)), albedo, TIMBER)


_TURN = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])  # z axis of a lathe onto +y


def _duck() -> Solid:
    body = ellipsoid((0, 0, 0.030), (0.048, 0.034, 0.031))
    tail = tube([(-0.025, 0, 0.036), (-0.045, 0, 0.050), (-0.055, 0, 0.060)], [0.020, 0.010, 0.003])
    head = ellipsoid((0.028, 0, 0.072), (0.024, 0.023, 0.024))
    wings = [ellipsoid((-0.006, side * 0.031, 0.036), (0.025, 0.009, 0.015)) for side in (-1, 1)]
    beak = ellipsoid((0.054, 0, 0.067), (0.015, 0.012, 0.0045))
    base = box((0, 0, -0.046), (0.2, 0.2, 0.1), 0.0)
    shape = difference(blend(0.006, blend(0.022, body, tail, head), *wings, beak), base)

    def albedo(p: Array) -> Array:
        color = mix(rgb("f7cf1d"), rgb("f0b914"), step(0.02, 0.04 - p[:, 2], 0.03))
        orange = (p[:, 0] > 0.0475) & (np.abs(p[:, 2] - 0.067) < 0.0075)
        eyes = np.linalg.norm(np.abs(p) - [0.0435, 0.0135, 0.0790], axis=1)
        color = np.where(orange[:, None], rgb("e8722a"), color)
        color = mix(color, rgb("fdfdf8"), 1 - step(0.0068, eyes))
        return mix(color, rgb("141414"), 1 - step(0.0042, eyes))

    return Solid(shape, _around((-0.062, -0.042, 0.004), (0.07, 0.042, 0.097)), albedo, PLASTIC)


def _pear() -> Solid:
    outline = [(0, 0.004), (0.012, 0.001), (0.024, 0.004), (0.033, 0.015), (0.0362, 0.030), (0.034, 0.045)]
    outline += [(0.027, 0.060), (0.020, 0.073), (0.0165, 0.086), (0.012, 0.094), (0.005, 0.0965), (0, 0.096)]
    stem = tube([(0, 0, 0.092), (0.002, 0, 0.106), (0.006, 0.002, 0.116)], [0.0024, 0.0018, 0.0024])

    def albedo(p: Array) -> Array:
        blush = np.clip(noise(p, 0.05, 21) * 1.6 - 0.5 + p[:, 0] / 0.08, 0, 1)
        skin = mix(rgb("b7c443"), rgb("d98a3d"), blush)
        skin = mix(skin, rgb("7d7a34"), 0.7 * step(0.86, noise(p, 0.0025, 22), 0.06))
        return mix(skin, rgb("4b3420"), step(0.0972, p[:, 2]))

    shape = blend(0.004, lathe(rounded_line(outline, 48)), stem)
    return Solid(shape, _around((-0.037, -0.037, 0), (0.037, 0.037, 0.119)), albedo, SKIN)


def _brick() -> Solid:
    stud = lathe([(0, 0.035), (0.0145, 0.035), (0.0145, 0.048), (0.0135, 0.0492), (0, 0.0492)])
    placed = [translated(stud, (x, y, 0)) for x in (-0.042, 0, 0.042) for y in (-0.021, 0.021)]
    body = box((0, 0, 0.0185), (0.124, 0.082, 0.037), 0.002)

    def albedo(p: Array) -> Array:
        return mix(rgb("2b59c3"), rgb("2450b4"), noise(p, 0.03, 31))

    return Solid(union(body, *placed), _around((-0.062, -0.041, 0), (0.062, 0.041, 0.05)), albedo, PLASTIC)


SOLIDS: dict[str, Callable[[], Solid]] = {
    "mug": _mug,
    "bowl": _bowl,
    "bottle": _bottle,
    "cereal_box": _cereal_box,
    "can": _can,
    "banana": _banana,
    "hammer": _hammer,
    "duck": _duck,
    "pear": _pear,
    "brick": _brick,
}
