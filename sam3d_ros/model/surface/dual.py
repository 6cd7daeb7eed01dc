"""One vertex per patch of a crossed cube: the weighted mean of where its edges cross the surface."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .cases import EDGES, CaseTables, case_tables
from .cubes import SurfaceCubes
from .grid import find


@dataclass(frozen=True, slots=True)
class Numbering:
    """Which vertex belongs to which patch of S crossed cubes.

    Cubes with one patch come first, then those with two and so on; among equals by cube, then by patch.
    """

    first: torch.Tensor  # [S] int64, the first vertex of each cube
    patch: torch.Tensor  # [S, 12] int8, of each edge; -1 where it is not crossed
    cube: torch.Tensor  # [V] int64, the cube of each vertex

    def crossed(self, edge: int) -> torch.Tensor:
        """Rows [K] of the cubes that the surface crosses at one of their edges."""
        return (self.patch[:, edge] >= 0).nonzero()[:, 0]

    def vertices(self, cubes: torch.Tensor, edge: int) -> torch.Tensor:
        """Vertices [K] at a crossed edge of the cubes in the rows [K]."""
        return self.first[cubes] + self.patch[cubes, edge]


@dataclass(frozen=True, slots=True)
class DualVertices:
    """The V vertices of all patches."""

    values: torch.Tensor  # [V, 3 + A]: position, then attributes
    gamma: torch.Tensor  # [V]
    numbering: Numbering


def dual_vertices(cubes: SurfaceCubes) -> DualVertices:
    """Vertices of all patches: the paper's flexible dual vertex positioning."""
    numbering = _numbered(cubes)
    return DualVertices(_mean_crossings(cubes, numbering), cubes.gamma[numbering.cube], numbering)


def without_pinches(cubes: SurfaceCubes, tables: CaseTables) -> torch.Tensor:
    """Cases [S] by which to take the patches: the complement in both cubes where two pinched ones meet.

    Decided by the cases as they were: the face between the two is then the ambiguous one of both.
    """
    step = tables.pinch[cubes.cases]  # [S, 3]
    pinched = step.any(dim=1)
    rows = pinched.nonzero()[:, 0]
    shift = (step[rows] * step.new_tensor(cubes.space.strides)).sum(dim=1)
    across, found = find(cubes.keys, cubes.keys[rows] + shift)
    meeting = rows[found & pinched[across]]
    cases = cubes.cases.clone()
    cases[meeting] = 255 - cases[meeting]
    return cases


def _numbered(cubes: SurfaceCubes) -> Numbering:
    tables = case_tables().to(cubes.keys.device)
    cases = without_pinches(cubes, tables)
    counts = tables.patch_count[cases]
    order = torch.argsort(counts, stable=True)
    ends = counts[order].cumsum(0)
    first = torch.empty_like(ends)
    first[order] = ends - counts[order]
    return Numbering(first, tables.patch_of_edge[cases], torch.repeat_interleave(order, counts[order]))


def _mean_crossings(cubes: SurfaceCubes, numbering: Numbering) -> torch.Tensor:
    """Sum of beta * crossing / sum of beta [V, 3 + A]; edge by edge, as a cube's edge has one vertex to add to."""
    count = len(numbering.cube)
    total = cubes.values.new_zeros(count, cubes.values.shape[1])
    weight = cubes.values.new_zeros(count, 1)
    for edge in range(len(EDGES)):
        rows = numbering.crossed(edge)
        vertices = numbering.vertices(rows, edge)
        beta = cubes.beta[rows, edge, None]
        total.index_add_(0, vertices, beta * _crossings(cubes, edge, rows))
        weight.index_add_(0, vertices, beta)
    return total / weight


def _crossings(cubes: SurfaceCubes, edge: int, rows: torch.Tensor) -> torch.Tensor:
    """Where the surface crosses one edge of the cubes in `rows` [K], and the attributes there [K, 3 + A]."""
    start, end = EDGES[edge]
    points_start, points_end = cubes.corners[rows, start], cubes.corners[rows, end]
    weight_start = (cubes.sdf[points_end] * cubes.alpha[rows, end])[:, None]
    weight_end = -(cubes.sdf[points_start] * cubes.alpha[rows, start])[:, None]
    weighted = cubes.values[points_start] * weight_start + cubes.values[points_end] * weight_end
    return weighted / (weight_start + weight_end)
