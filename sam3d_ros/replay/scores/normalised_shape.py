"""How alike two shapes are when place, size and small turns are taken out: the way papers compare shapes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...geometry import SE3, Mesh
from ...geometry.sampling import sample_surface
from ...geometry.surface_alignment import align_surfaces
from .surface_distance import distance_to_surface

_SAMPLES = 10_000  # points on each surface; distances run to the surface, so that more of them only lessen the noise
_NEAR = 0.01


@dataclass(frozen=True, slots=True)
class NormalisedScore:
    """Figures without a unit: the truth's longest edge measures 2."""

    chamfer: float  # mean of both mean distances
    f1: float  # 0-1, harmonic mean of the shares of each surface within 0.01 of the other


def score_normalised(result: Mesh, truth: Mesh) -> NormalisedScore:
    """Compare two meshes in the truth's object frame, each fitted into -1..1 and the result then laid on by ICP.

    Fitting measures both along the truth's axes, so that the result should be turned as the truth is beforehand.
    SAM 3D (Meta, 2025), shape metrics of its evaluation: F1 at 0.01 and the bidirectional Chamfer distance.
    """
    fitted, target = _fitted(result), _fitted(truth)
    aligned = fitted.transformed(align_surfaces(fitted, target))
    to_truth = distance_to_surface(sample_surface(aligned, _SAMPLES, seed=3).points, target)
    to_result = distance_to_surface(sample_surface(target, _SAMPLES, seed=4).points, aligned)
    precision, recall = float(np.mean(to_truth < _NEAR)), float(np.mean(to_result < _NEAR))
    f1 = 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
    return NormalisedScore((float(to_truth.mean()) + float(to_result.mean())) / 2, f1)


def _fitted(mesh: Mesh) -> Mesh:
    """The mesh moved and scaled so that its longest edge reaches from -1 to 1."""
    scale = 2 / max(float(mesh.extents.max()), 1e-9)
    home = SE3(np.array([1.0, 0.0, 0.0, 0.0]), -mesh.box_centre.astype(np.float64)).apply(mesh.vertices)
    return Mesh((scale * home).astype(np.float32), mesh.triangles, mesh.vertex_colors)
