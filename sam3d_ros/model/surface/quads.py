"""One quad per crossed edge, through the dual vertices of the four cubes around it, and the triangles of the quads."""

from __future__ import annotations

import torch

from .cases import CORNERS, EDGES, edge_ring
from .cubes import SurfaceCubes
from .dual import DualVertices, Numbering
from .grid import find

# The edges that leave a cube's lowest corner, in the order of the keys of their other ends seen from their first: each
# edge inside the grid is one of these of exactly one cube. The one along y runs towards that corner.
_OWN_EDGES = (EDGES.index((2, 0)), EDGES.index((0, 4)), EDGES.index((0, 1)))


def surface_quads(cubes: SurfaceCubes, numbering: Numbering) -> torch.Tensor:
    """Rings of four vertices [Q, 4], counter-clockwise from outside: first the edges that start outside.

    Both groups are ordered by the first, then by the second end of the edge. An edge on the border of the grid has less
    than four cubes and no quad: a solid that reaches the border is open there.
    """
    parts = [_quads_of(cubes, numbering, rank) for rank in range(len(_OWN_EDGES))]
    keys, quads = (torch.cat(columns) for columns in zip(*parts, strict=True))
    return quads[torch.argsort(keys)]


def triangles(quads: torch.Tensor, gamma: torch.Tensor) -> torch.Tensor:
    """Two triangles of each quad [2 Q, 3], cut along the diagonal whose ends have the larger product of gamma [V].

    The first diagonal gives (a, b, c), (a, c, d), the second (a, b, d), (d, b, c).
    """
    a, b, c, d = quads.unbind(1)
    along_first = gamma[a] * gamma[c] > gamma[b] * gamma[d]
    third, fourth, fifth, sixth = (torch.where(along_first, *pair) for pair in ((c, d), (a, d), (c, b), (d, c)))
    return torch.stack((a, b, third, fourth, fifth, sixth), dim=1).reshape(-1, 3)


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


def _quads_of(cubes: SurfaceCubes, numbering: Numbering, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the own edge of that rank of all cubes: keys to sort by [Q] and rings of vertices [Q, 4]."""
    edge = _OWN_EDGES[rank]
    start = EDGES[edge][0]
    rows, rings = _rings(cubes, numbering, edge)
    start_inside = (cubes.cases[rows] >> start & 1).bool()
    keys = (cubes.keys[rows] + cubes.space.shift(CORNERS[start])) * len(_OWN_EDGES) + rank
    past_all = cubes.space.size**3 * len(_OWN_EDGES)
    return keys + start_inside * past_all, torch.where(start_inside[:, None], rings.flip(1), rings)


def _rings(cubes: SurfaceCubes, numbering: Numbering, edge: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows [Q] of the cubes of which an own edge has four cubes, and the vertices around it [Q, 4], in a ring.

    Seen against the direction of the edge they go round counter-clockwise if it points into the solid.
    """
    rows = numbering.crossed(edge)
    complete = torch.ones_like(rows, dtype=torch.bool)
    low, mid_low, mid_high, high = edge_ring(edge)
    vertices = []
    for step, number in (low, mid_low, high, mid_high):
        neighbours, found = find(cubes.keys, cubes.keys[rows] + cubes.space.shift(step))
        complete &= found
        vertices.append(numbering.vertices(neighbours, number))
    return rows[complete], torch.stack(vertices, dim=1)[complete]
