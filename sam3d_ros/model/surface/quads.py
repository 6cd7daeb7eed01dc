"""One quad per crossed edge, through the dual vertices of the four cubes around it, and the triangles of the quads."""

from __future__ import annotations

import torch

from .cases import CORNERS, EDGES, edge_ring
from .cubes import SurfaceCubes
from .dual import DualVertices
from .grid import find

# The edges that leave a cube's lowest corner, in the order of the keys of their other ends seen from their first: each
# edge inside the grid is one of these of exactly one cube. The one along y runs towards that corner.
_OWN_EDGES = (EDGES.index((2, 0)), EDGES.index((0, 4)), EDGES.index((0, 1)))


def surface_quads(cubes: SurfaceCubes, dual: DualVertices) -> torch.Tensor:
    """Rings of four vertices [Q, 4], counter-clockwise from outside: first the edges that start outside.

    Both groups are ordered by the first, then by the second end of the edge. An edge on the border of the grid has less
    than four cubes and no quad: a solid that reaches the border is open there.
    """
    parts = [_quads_of(cubes, dual, edge) for edge in _OWN_EDGES]
    start_keys, quads, start_inside = (torch.cat(columns) for columns in zip(*parts, strict=True))
    rank = torch.cat([torch.full_like(part[0], number) for number, part in enumerate(parts)])
    order = torch.argsort(start_keys * len(_OWN_EDGES) + rank)
    quads, start_inside = quads[order], start_inside[order]
    return torch.cat((quads[~start_inside][:, [0, 1, 3, 2]], quads[start_inside][:, [2, 3, 1, 0]]))


def triangles(quads: torch.Tensor, gamma: torch.Tensor) -> torch.Tensor:
    """Two triangles of each quad [2 Q, 3], cut along the diagonal whose ends have the larger product of gamma [V]."""
    a, b, c, d = gamma[quads].unbind(1)
    along_first = (a * c > b * d)[:, None]
    split = torch.where(along_first, quads[:, [0, 1, 2, 0, 2, 3]], quads[:, [0, 1, 3, 3, 1, 2]])
    return split.reshape(-1, 3)


def fans(quads: torch.Tensor, dual: DualVertices) -> tuple[torch.Tensor, torch.Tensor]:
    """Values [V + Q, 3 + A] with a centre for each quad, and four triangles about each centre [4 Q, 3].

    The paper's flexible quad splitting for training: the centre lies between the middles of the two diagonals, each
    weighted by its product of gamma, which so gets a gradient that the choice in `triangles` cannot give.
    """
    gamma = dual.gamma[quads]  # [Q, 4]
    first, second = gamma[:, 0:1] * gamma[:, 2:3], gamma[:, 1:2] * gamma[:, 3:4]
    a, b, c, d = dual.values[quads].unbind(1)
    centres = (first * (a + c) + second * (b + d)) / (2 * (first + second))
    numbers = len(dual.values) + torch.arange(len(quads), device=quads.device)
    faces = torch.stack((quads, quads.roll(-1, dims=1), numbers[:, None].expand(-1, 4)), dim=2)
    return torch.cat((dual.values, centres)), faces.reshape(-1, 3)


def _quads_of(cubes: SurfaceCubes, dual: DualVertices, edge: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of one own edge of all cubes: key of its first end [Q], vertices around [Q, 4], whether it starts inside [Q]."""
    rows = (dual.vertex_of_edge[:, edge] >= 0).nonzero()[:, 0]
    start = EDGES[edge][0]
    vertices, complete = _around(cubes, dual, edge, rows)
    rows = rows[complete]
    start_keys = cubes.keys[rows] + cubes.space.shift(CORNERS[start])
    return start_keys, vertices[complete], (cubes.cases[rows] >> start & 1).bool()


def _around(
    cubes: SurfaceCubes, dual: DualVertices, edge: int, rows: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Vertices [K, 4] of the cubes around an edge of the cubes in `rows` [K], and whether all four exist [K]."""
    complete = torch.ones_like(rows, dtype=torch.bool)
    vertices = []
    for step, number in edge_ring(edge):
        neighbours, found = find(cubes.keys, cubes.keys[rows] + cubes.space.shift(step))
        complete &= found
        vertices.append(dual.vertex_of_edge[neighbours, number])
    return torch.stack(vertices, dim=1), complete
