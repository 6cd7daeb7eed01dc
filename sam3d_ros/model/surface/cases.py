"""Which edges of a cube share a dual vertex, for each of the 256 signs of its corners: enumerated, not copied.

A case is the number whose bit j says that corner j lies inside (sdf < 0). An edge whose ends differ is crossed.

**Patches.** Where the surface leaves the cube through a face, it draws arcs on that face, each from one crossed edge to
another. Walking around the face, every unbroken run of inside corners is cut off by one arc: this settles the plain
faces and the ambiguous ones alike (two inside corners across a diagonal are two runs: they are kept apart, the outside
corners joined). Every crossed edge lies on two faces and so ends two arcs; following arc after arc closes a loop, and
a loop bounds one patch of the surface, which dual marching cubes (Nielson 2004) gives one vertex. Both cubes at a face
draw the same arcs, so the patches fit together.

**Pinches.** Two cubes whose patches both hold the two arcs of the ambiguous face between them would share a mesh edge
of four faces. The enumeration finds the cases that can do so, by looking for a face with both arcs in one loop: 36,
each with one ambiguous face only. Of 12 (Nielson's C19) six corners are inside and the two outside lie across a face
diagonal, of 24 (C16) five are inside. This is what tells the convention: his numbers 15 to 22 are the complements of
his cases of up to three marked corners, so that C16 and C19 have five and six, and it is the marked corners which are
kept apart. When two such cubes meet at that face, both take the patches of the complement 255 - case: the same crossed
edges, but outside corners kept apart, so that each arc has a loop of its own. The cure stays between the two, as
neither has another ambiguous face.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

import torch

Triple = tuple[int, int, int]

CORNERS: tuple[Triple, ...] = tuple((j & 1, j >> 1 & 1, j >> 2 & 1) for j in range(8))
# The published order and directions; along x and z they run upward, along y downward.
EDGES = ((0, 1), (1, 5), (4, 5), (0, 4), (2, 3), (3, 7), (6, 7), (2, 6), (2, 0), (3, 1), (7, 5), (6, 4))


@dataclass(frozen=True, slots=True)
class CaseTables:
    """The enumeration as tensors on one device, to be indexed by case."""

    patch_of_edge: torch.Tensor  # [256, 12] int8, -1 where the edge is not crossed
    patch_count: torch.Tensor  # [256] int64, 0-4
    pinch: torch.Tensor  # [256, 3] int64, step to the cube across the face with both arcs in one patch, else zero

    def to(self, device: torch.device) -> CaseTables:
        """The same tables on another device."""
        return CaseTables(self.patch_of_edge.to(device), self.patch_count.to(device), self.pinch.to(device))


@cache
def case_tables() -> CaseTables:
    """The tables on the CPU, enumerated at the first call."""
    loops = [patches(case) for case in range(256)]
    patch_of_edge = torch.full((256, len(EDGES)), -1, dtype=torch.int8)
    for case, loop in enumerate(loops):
        for patch, edges in enumerate(loop):
            patch_of_edge[case, list(edges)] = patch
    return CaseTables(
        patch_of_edge=patch_of_edge,
        patch_count=torch.tensor([len(loop) for loop in loops]),
        pinch=torch.tensor([pinch(case) for case in range(256)]),
    )


def patches(case: int) -> tuple[tuple[int, ...], ...]:
    """Loops of crossed edges, one per patch, edges ascending.

    In the published order, on which the numbers of the vertices depend: by the lowest corner of the inside that the
    patch bounds, then by the lowest outside corner at the patch itself.
    """
    arcs = [arc for normal in _FACE_NORMALS for arc in face_arcs(case, normal)]
    loops: list[tuple[int, ...]] = []
    for edge in range(len(EDGES)):
        if any(edge in arc for arc in arcs) and not any(edge in loop for loop in loops):
            loops.append(_loop_of(edge, arcs))
    return tuple(sorted(loops, key=lambda loop: _rank(case, loop)))


def face_arcs(case: int, normal: Triple) -> list[tuple[int, int]]:
    """Arcs of the surface on the face towards `normal`, as pairs of crossed edges: one per run of inside corners."""
    corners = _corners_around(normal)
    inside = [bool(case >> corner & 1) for corner in corners]
    edges = [_edge_between(corners[i], corners[(i + 1) % 4]) for i in range(4)]
    starts = [i for i in range(4) if inside[i] and not inside[i - 1]]
    ends = [i for i in range(4) if inside[i] and not inside[(i + 1) % 4]]
    run_ends = [next(i % 4 for i in range(start, start + 4) if i % 4 in ends) for start in starts]
    return [(edges[start - 1], edges[end]) for start, end in zip(starts, run_ends, strict=True)]


def pinch(case: int) -> Triple:
    """Step to the cube across the ambiguous face whose two arcs lie in one patch; zero when there is no such face."""
    for normal in _FACE_NORMALS:
        arcs = face_arcs(case, normal)
        if len(arcs) == 2 and any({*arcs[0], *arcs[1]} <= set(loop) for loop in patches(case)):
            return normal
    return (0, 0, 0)


def edge_ring(edge: int) -> tuple[tuple[Triple, int], ...]:
    """The four cubes around an edge of a cube: the steps to them, in the order of coordinates, and its number there."""
    ends = [CORNERS[corner] for corner in EDGES[edge]]
    ring = []
    for x, y, z in product((-1, 0, 1), repeat=3):
        moved = [(end[0] - x, end[1] - y, end[2] - z) for end in ends]
        if all(end in CORNERS for end in moved):
            ring.append(((x, y, z), EDGES.index((CORNERS.index(moved[0]), CORNERS.index(moved[1])))))
    return tuple(ring)


_FACE_NORMALS: tuple[Triple, ...] = ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1))


def _corners_around(normal: Triple) -> list[int]:
    axis = next(axis for axis in range(3) if normal[axis])
    corners = []
    for u, v in ((0, 0), (1, 0), (1, 1), (0, 1)):
        place = [u, v]
        place.insert(axis, max(normal[axis], 0))
        corners.append(place[0] + 2 * place[1] + 4 * place[2])
    return corners


def _edge_between(a: int, b: int) -> int:
    return next(index for index, edge in enumerate(EDGES) if set(edge) == {a, b})


def _loop_of(edge: int, arcs: list[tuple[int, int]]) -> tuple[int, ...]:
    loop = {edge}
    while grown := {end for arc in arcs if loop & set(arc) for end in arc} - loop:
        loop |= grown
    return tuple(sorted(loop))


def _rank(case: int, loop: tuple[int, ...]) -> tuple[int, int]:
    ends = {corner for edge in loop for corner in EDGES[edge]}
    region = {corner for corner in ends if case >> corner & 1}
    outside = ends - region
    while grown := {end for edge in EDGES if region & set(edge) for end in edge if case >> end & 1} - region:
        region |= grown
    return min(region), min(outside)
