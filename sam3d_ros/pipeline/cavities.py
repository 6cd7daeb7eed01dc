"""Cavities that only a puncture joins to the outside, and the walls of which nobody sees.

A surface around a hollow object is two walls, and where the outer one is punctured both are one piece: only their
shape tells them apart. Rooms are looked for in which a ball fits that cannot leave through any opening.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, label
from skimage.segmentation import watershed

from ..geometry import Mesh
from ..geometry.sampling import sample_surface, triangle_areas, triangle_normals
from ..geometry.volume import occupancy
from .manifold import Float64Array, IntArray, compacted

_CELLS = 96  # along the longest edge of the box
_BALL = 2.0  # cells, radius: openings about 4 % as wide as the object are punctures
_BESIDE = 1.5  # cells from a triangle to the place that tells which room it faces
_PROBES = 33  # cells of a room that are asked whether they are solid
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
    rooms, count = label(distance > _BALL)
    cavities = [room for room in range(1, count + 1) if _is_cavity(mesh, grid, rooms, room)]
    if not cavities:
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


def _is_cavity(mesh: Mesh, grid: _Grid, rooms: NDArray[np.integer], room: int) -> bool:
    """Whether a room is empty and not the outside."""
    if rooms[0, 0, 0] == room:
        return False
    cells = np.argwhere(rooms == room)
    probes = cells[np.linspace(0, len(cells) - 1, _PROBES).astype(np.int64)]
    return bool(occupancy(mesh, grid.centres(probes)).mean() < 0.5)
