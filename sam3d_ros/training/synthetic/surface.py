"""Closed coloured mesh of a signed distance function."""

from __future__ import annotations

from collections.abc import Callable

import fast_simplification
import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from ...geometry import Mesh
from .sdf import Sdf

Array = NDArray[np.float64]
Albedo = Callable[[Array], Array]  # object points [N, 3] -> sRGB colour [N, 3], 0-1


class OpenSurfaceError(ValueError):
    """The solid leaves the box in which it was sampled, so its surface would have a hole."""


def mesh_of(solid: Sdf, bounds: tuple[Array, Array], *, step: float, triangles: int) -> Mesh:
    """Surface of the solid inside lower and upper `bounds`, sampled every `step` metres; grey, not centred.

    Marching cubes (Lorensen and Cline, 1987), then quadric edge collapse down to `triangles`.
    """
    axes = [np.arange(low, high + step, step) for low, high in zip(*bounds, strict=True)]
    field = _sample(solid, axes)
    rim = [field.take(end, axis).min() for axis in range(3) for end in (0, -1)]
    if min(rim) <= 0:
        raise OpenSurfaceError(f"the solid leaves the box {bounds[0].tolist()} to {bounds[1].tolist()}: enlarge it")
    vertices, faces, _, _ = marching_cubes(field, 0.0, spacing=(step, step, step))
    vertices, faces = _simplify(vertices + bounds[0], faces, triangles)
    return Mesh(vertices.astype(np.float32), faces, np.full((len(vertices), 3), 128, np.uint8))


def coloured(mesh: Mesh, albedo: Albedo) -> Mesh:
    """The mesh with its vertex colours read from a solid texture."""
    colors = np.clip(albedo(mesh.vertices.astype(float)), 0, 1)
    return Mesh(mesh.vertices, mesh.triangles, np.rint(colors * 255).astype(np.uint8))


def vertex_normals(mesh: Mesh) -> Array:
    """Unit normals [V, 3], area weighted."""
    corners = mesh.vertices.astype(float)[mesh.triangles]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros((len(mesh.vertices), 3))
    for corner in range(3):
        np.add.at(normals, mesh.triangles[:, corner], face)
    unit: Array = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-15)
    return unit


def _sample(solid: Sdf, axes: list[Array]) -> NDArray[np.float32]:
    """The field on the grid, slab by slab to keep memory small."""
    y, z = np.meshgrid(axes[1], axes[2], indexing="ij")
    slabs = [solid(np.stack([np.full_like(y, x), y, z], axis=-1)).astype(np.float32) for x in axes[0]]
    return np.stack(slabs)


def _simplify(vertices: Array, faces: NDArray[np.int32], triangles: int) -> tuple[Array, NDArray[np.int32]]:
    if len(faces) <= triangles:
        return vertices, faces
    small, kept = fast_simplification.simplify(
        vertices.astype(np.float32), np.ascontiguousarray(faces, np.int32), target_count=triangles
    )
    return np.asarray(small, float), np.asarray(kept, np.int32)
