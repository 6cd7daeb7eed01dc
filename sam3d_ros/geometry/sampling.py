"""Points drawn evenly from the surface of a mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .mesh import Mesh


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceSamples:
    """Surface points in the frame of the mesh, with outward unit normals and interpolated sRGB colours."""

    points: NDArray[np.float64]  # [N, 3] metres
    normals: NDArray[np.float64]  # [N, 3]
    colors: NDArray[np.uint8]  # [N, 3]


def triangle_areas(mesh: Mesh) -> NDArray[np.float64]:
    """Area of each triangle in square metres, [T]."""
    areas: NDArray[np.float64] = np.linalg.norm(_cross_products(mesh), axis=1) / 2
    return areas


def triangle_normals(mesh: Mesh) -> NDArray[np.float64]:
    """Outward unit normal of each triangle, [T, 3]; zero for a triangle without area."""
    cross = _cross_products(mesh)
    lengths = np.linalg.norm(cross, axis=1, keepdims=True)
    normals: NDArray[np.float64] = np.divide(cross, lengths, out=np.zeros_like(cross), where=lengths > 0)
    return normals


def vertex_normals(mesh: Mesh) -> NDArray[np.float64]:
    """Outward unit normal of each vertex, [V, 3]: the mean of its triangles' normals weighted by their area."""
    corners = mesh.triangles.reshape(-1)
    weighted = np.repeat(_cross_products(mesh), 3, axis=0)
    sums = np.stack([np.bincount(corners, weighted[:, i], len(mesh.vertices)) for i in range(3)], axis=1)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    normals: NDArray[np.float64] = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)
    return normals


def sample_surface(mesh: Mesh, count: int, seed: int) -> SurfaceSamples:
    """`count` points spread evenly over the surface; the same seed gives the same points.

    Stratified by area: the surface is cut into `count` parts of equal area in the order of the triangles, and one
    point is drawn from each, which spreads better than independent draws. Raises ValueError for a mesh without area.
    """
    total = np.cumsum(triangle_areas(mesh))
    if not len(total) or total[-1] <= 0:
        raise ValueError(f"a mesh of {len(mesh.triangles)} triangles without area has no surface to sample")
    rng = np.random.default_rng(seed)
    strata = (np.arange(count) + rng.random(count)) / count * total[-1]
    chosen = np.minimum(np.searchsorted(total, strata, side="right"), len(total) - 1)
    weights = _uniform_barycentric(rng, count)
    corners = mesh.triangles[chosen]
    colors = np.einsum("nk,nkc->nc", weights, mesh.vertex_colors[corners].astype(np.float64))
    points = np.einsum("nk,nkc->nc", weights, mesh.vertices[corners].astype(np.float64))
    return SurfaceSamples(points, triangle_normals(mesh)[chosen], np.rint(colors).astype(np.uint8))


def sphere_directions(count: int) -> NDArray[np.float32]:
    """Unit vectors [count, 3] spread evenly over the sphere (Fibonacci spiral)."""
    height = 1 - (2 * np.arange(count) + 1) / count
    angle = np.pi * (1 + 5**0.5) * np.arange(count)
    ring = np.sqrt(1 - height**2)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=1).astype(np.float32)


def _cross_products(mesh: Mesh) -> NDArray[np.float64]:
    a, b, c = (mesh.vertices[mesh.triangles[:, i]].astype(np.float64) for i in range(3))
    return np.cross(b - a, c - a)


def _uniform_barycentric(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Weights [N, 3] uniform over a triangle (Osada et al., Shape Distributions, 2002, section 4.2)."""
    root, other = np.sqrt(rng.random(count)), rng.random(count)
    return np.stack([1 - root, root * (1 - other), root * other], axis=1)
