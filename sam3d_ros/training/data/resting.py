"""Stable resting poses of an object on a plane."""

from __future__ import annotations

import numpy as np
import trimesh
from numpy.typing import NDArray

from ..synthetic.surface import Array

FACES = 200  # of the hull whose poses are computed
KEPT = 12


def stable_rotations(vertices: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rotations [K, 3, 3] that put the object on the plane z = 0, most likely first, and probabilities [K]."""
    hull = trimesh.Trimesh(_thinned(vertices), process=False, faces=np.zeros((0, 3), int)).convex_hull
    if len(hull.faces) > FACES:
        hull = hull.simplify_quadric_decimation(face_count=FACES).convex_hull
    transforms, probability = trimesh.poses.compute_stable_poses(hull, n_samples=1, sigma=0.0)
    order = np.argsort(-probability, kind="stable")[:KEPT]
    chosen = probability[order] / probability[order].sum()
    return transforms[order, :3, :3].astype(np.float32), chosen.astype(np.float32)


def _thinned(vertices: NDArray[np.float32]) -> Array:
    """The outermost vertices along 400 directions: nearly the same hull, much smaller."""
    index = np.arange(400) + 0.5
    polar, turn = np.arccos(1 - 2 * index / 400), np.pi * (1 + 5**0.5) * index
    directions = np.stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)])
    outer: Array = vertices[np.unique(np.argmax(vertices.astype(float) @ directions, axis=0))].astype(float)
    return outer
