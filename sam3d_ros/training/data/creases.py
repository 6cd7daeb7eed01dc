"""Normals at the corners of triangles that are smooth on curved faces and keep edges sharp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHARP = np.cos(np.radians(38.0))  # triangles that meet at a larger angle do not share a normal


def corner_normals(vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> NDArray[np.int8]:
    """Outward normals [T, 3, 3] times 127: area-weighted mean of the triangles about a vertex that lie alike."""
    corners = vertices.astype(float)[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    unit = cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-18)
    order = np.argsort(faces.ravel(), kind="stable")
    valence = np.bincount(faces.ravel(), minlength=len(vertices))
    first = np.cumsum(valence) - valence
    number = valence[faces.ravel()]
    corner = np.repeat(np.arange(faces.size), number)
    within = np.arange(len(corner)) - np.repeat(np.cumsum(number) - number, number)
    neighbour = order[first[faces.ravel()[corner]] + within] // 3
    alike = (unit[corner // 3] * unit[neighbour]).sum(axis=1) > SHARP
    sums = np.stack([np.bincount(corner, cross[neighbour, k] * alike, faces.size) for k in range(3)], axis=1)
    normals = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-18)
    scaled: NDArray[np.int8] = np.rint(127 * normals).astype(np.int8).reshape(-1, 3, 3)
    return scaled
