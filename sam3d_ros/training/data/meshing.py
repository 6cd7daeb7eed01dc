"""Closed triangle mesh of a design: the field is evaluated only near the surface, bounds are found on the way."""

from __future__ import annotations

from dataclasses import dataclass

import fast_simplification
import manifold3d
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from skimage.measure import marching_cubes

from ..synthetic.sdf import Array, Sdf

SEARCH = 0.36  # m, half size of the cube in which a design must lie
COARSE = 3  # fine steps to a coarse one


class MeshingError(ValueError):
    """A solid from which no closed mesh could be made."""


@dataclass(frozen=True, slots=True)
class MeshingConfig:
    """How fine meshes are."""

    nodes: int = 900_000  # of the fine grid around the object
    finest: float = 0.0005  # m, smallest step
    triangles: int = 6000


def mesh_solid(solid: Sdf, config: MeshingConfig | None = None) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Vertices [V, 3] and triangles [T, 3] of the closed surface; raises MeshingError where it is not closed."""
    settings = config or MeshingConfig()
    low, high = find_bounds(solid)
    step = max(settings.finest, float(np.prod(high - low + 0.004) / settings.nodes) ** (1 / 3))
    vertices, faces = _surface(solid, low, high, step)
    for reduce in (_collapsed, _merged):
        small, kept = reduce(vertices, faces, settings.triangles)
        if is_closed(small, kept):
            return small, kept
    raise MeshingError(f"the surface of {len(faces)} triangles is not closed: walls thinner than {step:.4f} m?")


def find_bounds(solid: Sdf) -> tuple[Array, Array]:
    """Corners of a box around the solid, found by two grids of ever smaller cells."""
    low, high = np.full(3, -SEARCH), np.full(3, SEARCH)
    for cells in (28, 28, 40):
        axes = [np.linspace(a, b, cells + 1) for a, b in zip(low, high, strict=True)]
        reach = float(np.linalg.norm((high - low) / cells)) * 0.75
        near = solid(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)) < reach
        if not near.any():
            raise MeshingError("the solid is empty")
        spans = [np.flatnonzero(near.any(axis=tuple(k for k in range(3) if k != axis))) for axis in range(3)]
        steps = (high - low) / cells
        low, high = (
            np.array([axes[k][spans[k][0]] - steps[k] for k in range(3)]),
            np.array([axes[k][spans[k][-1]] + steps[k] for k in range(3)]),
        )
    return low, high


def is_closed(vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> bool:
    """Every edge lies between two triangles that run along it in opposite ways, and the volume is positive."""
    edges = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
    forward, backward = edges[:, 0] * len(vertices) + edges[:, 1], edges[:, 1] * len(vertices) + edges[:, 0]
    forward = np.sort(forward)
    paired = bool((np.diff(forward) > 0).all()) and bool(np.array_equal(forward, np.sort(backward)))
    corners = vertices.astype(float)[faces]
    volume = np.einsum("ni,ni->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    return paired and float(volume) > 0


def _surface(solid: Sdf, low: Array, high: Array, step: float) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Marching cubes (Lorensen and Cline 1987) of the field on a grid of this step."""
    counts = [int(np.ceil((b - a) / (step * COARSE))) + 1 for a, b in zip(low, high, strict=True)]
    axes = [a + step * COARSE * np.arange(n) for a, n in zip(low, counts, strict=True)]
    coarse = solid(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)).astype(np.float32)
    fine_counts = [(n - 1) * COARSE + 1 for n in counts]
    field = zoom(coarse, [f / n for f, n in zip(fine_counts, counts, strict=True)], order=1, grid_mode=False)
    near = np.argwhere(np.abs(field) < step * COARSE * 0.95)
    field[tuple(near.T)] = solid(low + step * near)
    rim = min(float(field.take(end, axis).min()) for axis in range(3) for end in (0, -1))
    if rim <= 0:
        raise MeshingError(f"the solid leaves its box {low.tolist()} to {high.tolist()}: it is larger than {SEARCH} m?")
    vertices, faces, _, _ = marching_cubes(field, 0.0, spacing=(step, step, step))
    return _without_crumbs((vertices + low).astype(np.float32), faces.astype(np.int32))


def _without_crumbs(
    vertices: NDArray[np.float32], faces: NDArray[np.int32]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Bodies of under one per cent of the triangles, and closed cavities, which nobody can see, are dropped."""
    edges = faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    links = coo_matrix((np.ones(len(edges), np.int8), edges.T), (len(vertices), len(vertices)))
    bodies = connected_components(links, directed=False)[1][faces[:, 0]]
    corners = vertices.astype(float)[faces]
    volume = np.einsum("ni,ni->n", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
    good = (np.bincount(bodies) >= 0.01 * len(faces)) & (np.bincount(bodies, volume) > 0)
    kept = faces[good[bodies]]
    used, compact = np.unique(kept, return_inverse=True)
    return vertices[used], compact.reshape(-1, 3).astype(np.int32)


def _collapsed(
    vertices: NDArray[np.float32], faces: NDArray[np.int32], triangles: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Quadric edge collapse: the best triangles, but at times an edge ends up with four of them."""
    if len(faces) <= triangles:
        return vertices, faces
    small, kept = fast_simplification.simplify(vertices, np.ascontiguousarray(faces), target_count=triangles)
    return np.asarray(small, np.float32), np.asarray(kept, np.int32)


def _merged(
    vertices: NDArray[np.float32], faces: NDArray[np.int32], triangles: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Merging of short and flat edges, which keeps a mesh closed, with ever larger tolerance."""
    solid = manifold3d.Manifold(manifold3d.Mesh(vertices, faces.astype(np.uint32)))
    tolerance = 2e-4 * float(np.ptp(vertices, axis=0).max())
    while solid.num_tri() > 1.5 * triangles and tolerance < 0.02:
        solid = solid.simplify(tolerance)
        tolerance *= 1.6
    mesh = solid.to_mesh()
    return np.asarray(mesh.vert_properties, np.float32)[:, :3], np.asarray(mesh.tri_verts, np.int32)
