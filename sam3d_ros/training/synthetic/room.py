"""What stands around the props: a wooden table top and a painted wall behind it, as unlabelled surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...geometry import Mesh
from .props import Finish, Prop
from .surface import Array, coloured
from .textures import planks, plaster, rgb

WALL = Finish(0.0, 1.0)
VARNISH = Finish(0.16, 26.0)


@dataclass(frozen=True, slots=True)
class RoomStyle:
    """Colours of a room, as hexadecimal codes."""

    wood_light: str
    wood_dark: str
    wall: str
    floor: str


STYLES = (
    RoomStyle("cda878", "94683c", "c9d3d6", "7d766c"),
    RoomStyle("b58a5c", "6e4a2a", "d9d2c4", "6b6a68"),
    RoomStyle("d9c7a8", "b09468", "aebfb4", "857a6e"),
    RoomStyle("8d6748", "5a3d28", "cfc3b6", "77706a"),
)


def make_room(seed: int) -> tuple[Prop, ...]:
    """Table with its top at z = 0, wall and floor in the world frame; the style follows the seed."""
    style = STYLES[seed % len(STYLES)]

    def table(points: Array) -> Array:
        return planks(points, rgb(style.wood_light), rgb(style.wood_dark), 1000 + seed)

    def wall(points: Array) -> Array:
        return plaster(points, rgb(style.wall), 2000 + seed)

    def floor(points: Array) -> Array:
        return plaster(points, rgb(style.floor), 3000 + seed)

    slab = _grid_box(np.array([-0.75, -0.5, -0.035]), np.array([0.75, 0.5, 0.0]), 0.008)
    back = _grid_box(np.array([-3.0, 0.95, -0.75]), np.array([3.0, 1.0, 2.2]), 0.08)
    ground = _grid_box(np.array([-3.0, -3.0, -0.8]), np.array([3.0, 1.0, -0.75]), 0.1)
    return (
        Prop("table", coloured(slab, table), table, VARNISH),
        Prop("wall", coloured(back, wall), wall, WALL),
        Prop("floor", coloured(ground, floor), floor, WALL),
    )


def _grid_box(lower: Array, upper: Array, cell: float) -> Mesh:
    """Box between two corners, its six faces cut into cells so that baked light has a place to live."""
    faces = [_grid_face(lower, upper, cell, axis, side) for axis in range(3) for side in (0, 1)]
    counts = np.cumsum([0] + [len(vertices) for vertices, _ in faces])
    vertices = np.concatenate([vertices for vertices, _ in faces])
    triangles = np.concatenate([offset + face for offset, (_, face) in zip(counts, faces, strict=False)])
    return Mesh(vertices.astype(np.float32), triangles.astype(np.int32), np.full((len(vertices), 3), 128, np.uint8))


def _grid_face(lower: Array, upper: Array, cell: float, axis: int, side: int) -> tuple[Array, NDArray[np.int64]]:
    """One face with its outer side counter-clockwise."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    lines = [np.linspace(lower[i], upper[i], max(2, round((upper[i] - lower[i]) / cell) + 1)) for i in (first, second)]
    u, v = np.meshgrid(*lines, indexing="ij")
    vertices = np.empty((*u.shape, 3))
    vertices[..., first], vertices[..., second], vertices[..., axis] = u, v, (lower, upper)[side][axis]
    index = np.arange(u.size).reshape(u.shape)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    corners = [a, b, c, a, c, d] if side else [a, c, b, a, d, c]
    return vertices.reshape(-1, 3), np.stack(corners, axis=-1).reshape(-1, 3)
