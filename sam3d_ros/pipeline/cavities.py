"""Cavities that only a puncture joins to the outside, and the walls of which nobody sees.

A surface around a hollow object is two walls, and where the outer one is punctured both are one piece: only their
shape tells them apart. Rooms are looked for in which a ball fits that cannot leave through any opening.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, label, maximum
from skimage.segmentation import watershed

from ..geometry import Mesh
from ..geometry.sampling import sample_surface, triangle_areas, triangle_normals
from ..geometry.volume import occupancy
from .manifold import Float64Array, IntArray, compacted

_CELLS = 96  # along the longest edge of the box
_BALL = 2.0  # cells, radius: openings about 4 % as wide as the object are punctures
_HALL = 4.0  # cells, radius of the ball that fits into a cavity: one not much wider than its opening is a slot
_BESIDE = 1.5  # cells from a triangle to the place that tells which room it faces
_PROBES = 33  # cells of a room, at least, that are asked whether they are solid
_SAMPLES_PER_CELL = 6


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """Cubic cells around a mesh, with a free margin."""

    corner: Float64Array  # [3]
    edge: float
    shape: tuple[int, ...]

    @staticmethod
    def around(mesh: Mesh) -> _Grid:
        edge = float(mesh.extents.max()) / _CELLS
        margin = int(_BALL) + 3
        shape = tuple(int(cells) + 2 * margin + 1 for cells in np.ceil(mesh.extents / edge))
        return _Grid(mesh.vertices.min(axis=0).astype(np.float64) - margin * edge, edge, shape)

    def cells(self, points: NDArray[np.floating]) -> tuple[IntArray, ...]:
        index = np.floor((points - self.corner) / self.edge).astype(np.int64)
        return tuple(np.clip(index[:, axis], 0, self.shape[axis] - 1) for axis in range(3))

    def centres(self, cells: IntArray) -> Float64Array:
        """Centres [N, 3] of cells given by their indices [N, 3]."""
        return self.corner + (cells + 0.5) * self.edge


def without_cavity_walls(vertices: Float64Array, triangles: IntArray) -> tuple[Float64Array, IntArray]:
    """The surface without the triangles that face a cavity; open where the punctures were.

    A closed surface with outward triangles is expected. One without cavities comes back as it is.
    """
    mesh = Mesh(vertices.astype(np.float32), triangles.astype(np.int32), np.zeros((len(vertices), 3), np.uint8))
    grid = _Grid.around(mesh)
    wall = _walls(mesh, grid)
    distance = distance_transform_edt(~wall)
    rooms, _ = label(distance > _BALL)
    rooms[np.isin(rooms, _narrow(rooms, distance))] = 0
    cavities = _cavities(mesh, grid, rooms)
    if not len(cavities):
        return vertices, triangles
    spaces = watershed(-distance, rooms, mask=~wall)
    beside = mesh.vertices[triangles].mean(axis=1) + _BESIDE * grid.edge * triangle_normals(mesh)
    return compacted(vertices, triangles[~np.isin(spaces[grid.cells(beside)], cavities)])


def _walls(mesh: Mesh, grid: _Grid) -> NDArray[np.bool_]:
    """Which cells the surface passes through."""
    wall = np.zeros(grid.shape, np.bool_)
    samples = int(_SAMPLES_PER_CELL * triangle_areas(mesh).sum() / grid.edge**2)
    for points in (mesh.vertices, sample_surface(mesh, samples, seed=0).points):
        wall[grid.cells(points)] = True
    return wall


def _narrow(rooms: NDArray[np.integer], distance: Float64Array) -> IntArray:
    """Numbers of the rooms in which no larger ball fits."""
    numbers = np.arange(1, int(rooms.max()) + 1)
    return numbers[np.asarray(maximum(distance, rooms, numbers)) <= _HALL]


def _cavities(mesh: Mesh, grid: _Grid, rooms: NDArray[np.integer]) -> IntArray:
    """Numbers of the rooms that are neither solid nor the outside."""
    cells = np.argwhere((rooms > 0) & (rooms != rooms[0, 0, 0]))
    room = rooms[tuple(cells.T)].astype(np.int64)
    order = np.argsort(room, kind="stable")
    counts = np.bincount(room)
    place = np.arange(len(room)) - np.repeat(np.cumsum(counts) - counts, counts)  # within its room
    stride = np.maximum(counts // _PROBES, 1)[room[order]]
    probes = order[place % stride == 0]
    if not len(probes):
        return np.zeros(0, np.int64)
    solid = np.bincount(room[probes], occupancy(mesh, grid.centres(cells[probes])), len(counts))
    asked = np.bincount(room[probes], minlength=len(counts))
    return np.flatnonzero((asked > 0) & (solid < asked / 2))
