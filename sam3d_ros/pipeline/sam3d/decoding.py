"""What the decoders say, as a mesh of the canonical cube."""

from __future__ import annotations

import numpy as np

from ...geometry import Mesh
from ...model.surface import Surface
from ..finish import finish_mesh


def canonical_mesh(surface: Surface, *, triangle_budget: int) -> Mesh:
    """The decoded surface, closed and within the budget, in the canonical cube [-0.5, 0.5]^3 (z up).

    Raises ValueError where it is empty or spans no volume.
    """
    if not len(surface.faces):
        raise ValueError("the decoded surface has no triangles")
    colors = np.rint(surface.colours.float().cpu().numpy() * 255).clip(0, 255)
    raw = Mesh(surface.vertices.float().cpu().numpy(), surface.faces.cpu().numpy(), colors)
    return finish_mesh(raw, triangle_budget=triangle_budget)
