"""One vertex per patch of a crossed cube: the weighted mean of where its edges cross the surface."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .cases import EDGES, CaseTables, case_tables
from .cubes import SurfaceCubes
from .grid import find


@dataclass(frozen=True, slots=True)
class DualVertices:
    """The V dual vertices of S crossed cubes.

    Numbered by cubes with one patch first, then those with two and so on; among equals by cube, then by patch.
    """

    values: torch.Tensor  # [V, 3 + A]: position, then attributes
    gamma: torch.Tensor  # [V]
    vertex_of_edge: torch.Tensor  # [S, 12] int64, -1 where the edge is not crossed


def dual_vertices(cubes: SurfaceCubes) -> DualVertices:
    """Vertices of all patches: the paper's flexible dual vertex positioning."""
    tables = case_tables().to(cubes.keys.device)
    cases = without_pinches(cubes, tables)
    counts = tables.patch_count[cases]
    order = torch.argsort(counts, stable=True)
    ends = counts[order].cumsum(0)
    first = torch.empty_like(ends)
    first[order] = ends - counts[order]
    patch = tables.patch_of_edge[cases]  # [S, 12]
    vertex_of_edge = torch.where(patch >= 0, patch + first[:, None], -1)
    return DualVertices(
        values=_mean_crossings(cubes, vertex_of_edge, int(counts.sum())),
        gamma=cubes.gamma[torch.repeat_interleave(order, counts[order])],
        vertex_of_edge=vertex_of_edge,
    )


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


def _mean_crossings(cubes: SurfaceCubes, vertex_of_edge: torch.Tensor, count: int) -> torch.Tensor:
    """Sum of beta * crossing / sum of beta [V, 3 + A]; edge by edge, as a cube's edge has one vertex to add to."""
    total = cubes.values.new_zeros(count, cubes.values.shape[1])
    weight = cubes.values.new_zeros(count, 1)
    for edge in range(len(EDGES)):
        rows = (vertex_of_edge[:, edge] >= 0).nonzero()[:, 0]
        vertices = vertex_of_edge[rows, edge]
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
