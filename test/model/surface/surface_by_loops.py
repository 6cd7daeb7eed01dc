"""FlexiCubes once more: slow, plain and dense, one cube after the other, sharing nothing with the fast path.

Rules where the fast path has tables: two crossed edges of a cube belong together when they meet at an inside corner of
a face, or are the only two of a face; two cubes are pinched when each has the four edges of their common face in one
patch.
"""

from __future__ import annotations

from itertools import combinations, product

import numpy as np

CORNERS = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1), (1, 0, 1), (0, 1, 1), (1, 1, 1)]
EDGES = [(0, 1), (1, 5), (4, 5), (0, 4), (2, 3), (3, 7), (6, 7), (2, 6), (2, 0), (3, 1), (7, 5), (6, 4)]
FACES = [[j for j in range(8) if CORNERS[j][axis] == side] for axis in range(3) for side in (0, 1)]


def dense_surface(cubes, channels, resolution):
    """Vertices [V, 3], faces [F, 3] and attributes [V, 6] of active cubes [N, 3] with channels [N, 101] (numpy)."""
    sdf, points = dense_points(cubes, channels, resolution)
    weights = np.zeros((resolution, resolution, resolution, 21))
    for cube, row in zip(cubes, channels, strict=True):
        weights[tuple(cube)] = row[32:53]
    crossed = {}
    for cube in product(range(resolution), repeat=3):
        inside = [sdf[at(cube, j)] < 0 for j in range(8)]
        if any(inside) and not all(inside):
            crossed[cube] = [patches(inside), inside]
    settled = settle(crossed)
    numbers, values, gammas = {}, [], []
    for cube in sorted(crossed, key=lambda cube: (len(settled[cube]), cube)):
        for patch in settled[cube]:
            numbers.update({(cube, e): len(values) for e in patch})
            values.append(mean_crossing(cube, patch, sdf, points, weights[cube]))
            gammas.append(0.99 / (1 + np.exp(-weights[cube][20])) + 0.005)
    faces = faces_of(vertices_around(numbers, resolution + 1), sdf.ravel(), gammas)
    return np.array(values)[:, :3], np.array(faces), np.array(values)[:, 3:]


def mean_crossing(cube, patch, sdf, points, weights):
    """Position and attributes [9] of the vertex of a patch."""
    total, weight = 0, 0
    for e in patch:
        alpha_a, alpha_b = (1 + 0.99 * np.tanh(weights[12 + j]) for j in EDGES[e])
        beta = 1 + 0.99 * np.tanh(weights[e])
        a, b = (at(cube, j) for j in EDGES[e])
        crossing = (points[a] * sdf[b] * alpha_b - points[b] * sdf[a] * alpha_a) / (sdf[b] * alpha_b - sdf[a] * alpha_a)
        total, weight = total + beta * crossing, weight + beta
    return total / weight


def vertices_around(numbers, size):
    """For each edge of the grid, as the pair of its points' numbers, the vertices of its cubes in their order."""
    around = {}
    for cube, e in sorted(numbers):
        ends = tuple(int(np.ravel_multi_index(at(cube, j), (size,) * 3)) for j in EDGES[e])
        around.setdefault(ends, []).append(numbers[cube, e])
    return around


def dense_points(cubes, channels, resolution):
    """Sdf [size, size, size] of all points of the grid, and their positions and attributes [size, size, size, 9]."""
    size = resolution + 1
    sums, counts = np.zeros((size, size, size, 10)), np.zeros((size, size, size))
    for cube, row in zip(cubes, channels, strict=True):
        for j in range(8):
            moved = row[8 + 3 * j : 11 + 3 * j]
            colour = row[53 + 6 * j : 59 + 6 * j]
            sums[at(cube, j)] += np.concatenate(([row[j] - 1 / resolution], moved, colour))
            counts[at(cube, j)] += 1
    means = sums / np.maximum(counts, 1)[..., None]
    sdf = np.where(counts > 0, means[..., 0], 1.0)
    rest = np.stack(np.meshgrid(*[np.arange(size) / resolution - 0.5] * 3, indexing="ij"), axis=-1)
    position = rest + (1 - 1e-8) / (2 * resolution) * np.tanh(means[..., 1:4])
    return sdf, np.concatenate((position, 1 / (1 + np.exp(-means[..., 4:]))), axis=-1)


def at(cube, corner):
    """The point of a corner of a cube."""
    return tuple(int(c) + d for c, d in zip(cube, CORNERS[corner], strict=True))


def patches(inside):
    """Groups of crossed edges, each ascending, ordered by the inside that they bound and by their outside corners."""
    group = {e: {e} for e, (a, b) in enumerate(EDGES) if inside[a] != inside[b]}
    for face in FACES:
        crossed = [e for e in group if set(EDGES[e]) <= set(face)]
        for e, f in combinations(crossed, 2):
            meeting = set(EDGES[e]) & set(EDGES[f])
            if len(crossed) == 2 or any(inside[j] for j in meeting):
                merged = group[e] | group[f]
                for member in merged:
                    group[member] = merged
    found = {tuple(sorted(members)) for members in group.values()}
    return sorted(found, key=lambda patch: (lowest_inside(patch, inside), lowest_outside(patch, inside)))


def lowest_inside(patch, inside):
    """The lowest corner that edges between inside corners join with the inside ends of a patch."""
    name = list(range(8))
    for _ in range(8):
        for a, b in EDGES:
            if inside[a] and inside[b]:
                name[a] = name[b] = min(name[a], name[b])
    return min(name[j] for e in patch for j in EDGES[e] if inside[j])


def lowest_outside(patch, inside):
    """The lowest outside end of a patch's edges."""
    return min(j for e in patch for j in EDGES[e] if not inside[j])


def settle(crossed):
    """Patches of all crossed cubes, those of the opposite signs where two are pinched at their common face."""
    settled = {cube: own for cube, (own, _) in crossed.items()}
    for cube, (own, inside) in crossed.items():
        for axis in range(3):
            other = tuple(c + (a == axis) for a, c in enumerate(cube))
            if other in crossed and is_pinched(own, 2 * axis + 1) and is_pinched(crossed[other][0], 2 * axis):
                settled[cube] = patches([not i for i in inside])
                settled[other] = patches([not i for i in crossed[other][1]])
    return settled


def is_pinched(own, face):
    """Whether one patch has all four edges of a face."""
    edges = {e for e, ends in enumerate(EDGES) if set(ends) <= set(FACES[face])}
    return any(edges <= set(patch) for patch in own)


def faces_of(around, sdf, gammas):
    """Triangles of the quads around the edges that four cubes share: those that start outside first."""
    faces = []
    for starts_inside in (False, True):
        for (a, _), members in sorted(around.items()):
            if len(members) == 4 and (sdf[a] < 0) == starts_inside:
                low, mid_low, mid_high, high = members
                quad = [low, mid_low, high, mid_high]
                q = quad[::-1] if starts_inside else quad
                first = gammas[q[0]] * gammas[q[2]] > gammas[q[1]] * gammas[q[3]]
                faces += [[q[0], q[1], q[2]], [q[0], q[2], q[3]]] if first else [[q[0], q[1], q[3]], [q[3], q[1], q[2]]]
    return faces
