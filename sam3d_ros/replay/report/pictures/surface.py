"""A mesh made ready for pictures: fine enough, with soft normals that keep edges, and with baked ambient light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....geometry import Mesh
from ....geometry.sampling import sphere_directions, triangle_normals, vertex_normals
from .colours import srgb_to_linear
from .occlusion import Occluders

Float32Array = NDArray[np.float32]

# Light is baked at vertices, so coarse meshes are split until they have about this many triangles.
_FINE_TRIANGLES = 6000
# Faces that meet at a larger angle than this keep their edge.
_CREASE_COSINE = float(np.cos(np.radians(38.0)))
_AMBIENT_RAYS = 64
_LARGEST_FAN = 64
_BOUNCE = 0.3  # share of light that comes back from what hides the sky


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Picture-ready mesh in its object frame."""

    mesh: Mesh  # fine enough for light at its vertices
    corner_normals: Float32Array  # [T, 3, 3] unit, of the corners of each triangle
    ambient: Float32Array  # [V] 0-1, light that the vertex gets from sky and floor
    albedo: Float32Array  # [V, 3] linear light of the vertex colours

    @property
    def centre(self) -> Float32Array:
        """Centre of the axis-aligned box, [3]."""
        return self.mesh.box_centre

    @property
    def radius(self) -> float:
        """Radius of the sphere around the box centre that holds all vertices, metres."""
        return float(np.linalg.norm(self.mesh.vertices - self.centre, axis=1).max())

    @property
    def floor(self) -> float:
        """Height of the lowest vertex, metres."""
        return float(self.mesh.vertices[:, 2].min())

    def recolored(self, colors: NDArray[np.uint8]) -> Surface:
        """The same surface with other sRGB vertex colours [V, 3]."""
        mesh = Mesh(self.mesh.vertices, self.mesh.triangles, colors)
        return Surface(mesh, self.corner_normals, self.ambient, srgb_to_linear(colors))


def make_surface(mesh: Mesh) -> Surface:
    """Prepare a mesh whose object stands on a floor, z up."""
    fine = _split_to(mesh, _FINE_TRIANGLES)
    return Surface(fine, corner_normals(fine), _ambient_light(fine), srgb_to_linear(fine.vertex_colors))


def corner_normals(mesh: Mesh) -> Float32Array:
    """Normal of each triangle corner [T, 3, 3]: the mean of the faces at that vertex that do not meet it at an edge."""
    faces = triangle_normals(mesh)
    corner, other = _corner_pairs(mesh.triangles, len(mesh.vertices))
    smooth = np.einsum("nc,nc->n", faces[corner // 3], faces[other // 3]) > _CREASE_COSINE
    corner, other = corner[smooth], other[smooth]
    sums = np.stack([np.bincount(corner, faces[other // 3, axis], mesh.triangles.size) for axis in range(3)], axis=1)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    normals: NDArray[np.float64] = np.divide(sums, lengths, out=np.repeat(faces, 3, axis=0), where=lengths > 1e-9)
    return normals.reshape(-1, 3, 3).astype(np.float32)


def _corner_pairs(triangles: NDArray[np.int32], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of corners (index into the flattened triangles) that share a vertex, each with itself included.

    The hub of a large fan is left out: its pairs grow with the square of its triangles.
    """
    vertex = triangles.reshape(-1)
    order = np.argsort(vertex, kind="stable")
    valence = np.bincount(vertex, minlength=count)
    start = np.concatenate([[0], np.cumsum(valence)[:-1]])
    repeats = np.where(valence <= _LARGEST_FAN, valence, 0)[vertex[order]]
    corner = np.repeat(order, repeats)
    within = np.arange(len(corner)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    other = order[np.repeat(start[vertex[order]], repeats) + within]
    return corner, other


def _split_to(mesh: Mesh, triangles: int) -> Mesh:
    while 0 < len(mesh.triangles) < triangles:
        mesh = _split_edges(mesh)
    return mesh


def _split_edges(mesh: Mesh) -> Mesh:
    """Each triangle becomes four; positions and colours of new vertices are the means of their edge."""
    edges = np.sort(mesh.triangles[:, [[0, 1], [1, 2], [2, 0]]], axis=2).reshape(-1, 2)
    unique, inverse = np.unique(edges, axis=0, return_inverse=True)
    middle = (inverse.reshape(-1, 3) + len(mesh.vertices)).astype(np.int32)
    (a, b, c), (ab, bc, ca) = mesh.triangles.T, middle.T
    corners = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    triangles = np.concatenate([np.stack(corner, axis=1) for corner in corners])
    vertices = np.concatenate([mesh.vertices, mesh.vertices[unique].mean(axis=1)])
    colors = np.concatenate([mesh.vertex_colors, mesh.vertex_colors[unique].mean(axis=1).astype(np.uint8)])
    return Mesh(vertices, triangles, colors)


def _ambient_light(mesh: Mesh) -> Float32Array:
    """Share of a bright sky and a dimmer floor that each vertex sees, [V]."""
    normals = vertex_normals(mesh).astype(np.float32)
    size = float(np.linalg.norm(mesh.extents))
    occluders = Occluders([(mesh.vertices, mesh.triangles)])
    origins = mesh.vertices + normals * 2e-3 * size
    floor = float(mesh.vertices[:, 2].min())
    total, weight_sum = np.zeros(len(normals), np.float32), np.zeros(len(normals), np.float32)
    for direction in sphere_directions(_AMBIENT_RAYS):
        weight = np.maximum(normals @ direction, 0)
        light = _sky_light(occluders, origins, direction, floor=floor, reach=size)
        total += weight * light
        weight_sum += weight
    ambient: Float32Array = total / np.maximum(weight_sum, np.float32(1e-6))
    return ambient


def _sky_light(
    occluders: Occluders, origins: Float32Array, direction: Float32Array, *, floor: float, reach: float
) -> Float32Array:
    """Light that reaches each origin from one direction: 1 from the sky, less from the floor and from the object."""
    hidden = occluders.hide(origins, direction)
    light = np.full(len(origins), 0.75 + 0.25 * max(direction[2], 0.0), np.float32)
    if direction[2] < 0:
        # The floor is darker where the object stands in its own light.
        height = origins[:, 2] - floor
        light[:] = 0.55 * np.clip(0.25 + height / (0.35 * reach), 0, 1)
    return np.where(hidden, _BOUNCE, light).astype(np.float32)
