"""The first answer: the surface of the voxels that stage 1 found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from ...geometry import Mesh
from ..finish import finish_mesh
from ..observation import Observation


def voxel_surface(logits: NDArray[np.float32], observation: Observation, *, triangle_budget: int) -> Mesh:
    """Closed surface of the voxels whose logit [R, R, R] is above 0, in the canonical cube [-0.5, 0.5]^3 (z up).

    All of it has the median colour of the observed points. Raises ValueError where no logit is above 0, or where what
    is above 0 spans no volume.
    """
    if not logits.max() > 0:
        raise ValueError("no voxel has a logit above 0")
    resolution = logits.shape[0]
    outside = -float(np.abs(logits).max())
    field = np.pad(logits.astype(np.float32), 1, constant_values=outside)
    vertices, triangles, _, _ = marching_cubes(field, 0.0, gradient_direction="ascent")
    canonical = (vertices - 0.5) / resolution - 0.5  # index 1 of the padded field is voxel 0, with its centre at 1/2
    color = np.median(observation.colors, axis=0).astype(np.uint8)
    raw = Mesh(canonical, triangles, np.tile(color, (len(canonical), 1)))
    return finish_mesh(raw, triangle_budget=triangle_budget)
