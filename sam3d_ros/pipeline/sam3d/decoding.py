"""What the decoders say, as a mesh and as Gaussians of the canonical cube."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...geometry import Mesh
from ...geometry.gaussians import Gaussians
from ...model.decoders import GaussianCloud
from ...model.surface import Surface
from ..finish import finish_mesh


class NoShapeError(ValueError):
    """The model's answer spans no volume."""


def solid(make: Callable[[], Mesh]) -> Mesh:
    """What `make` makes; NoShapeError where it raises ValueError, as all makers of surfaces do without a volume."""
    try:
        return make()
    except ValueError as error:
        raise NoShapeError(f"the model found no solid shape under the mask: {error}") from error


def canonical_mesh(surface: Surface, *, triangle_budget: int) -> Mesh:
    """The decoded surface, closed, solid and within the budget, in the canonical cube [-0.5, 0.5]^3 (z up).

    The decoder sees the shell of the voxels alone, and its surface has an inner side, which is left out. Raises
    ValueError where the surface is empty or spans no volume.
    """
    if not len(surface.faces):
        raise ValueError("the decoded surface has no triangles")
    colors = np.rint(surface.colours.float().cpu().numpy() * 255).clip(0, 255)
    raw = Mesh(surface.vertices.float().cpu().numpy(), surface.faces.cpu().numpy(), colors)
    return finish_mesh(raw, triangle_budget=triangle_budget, fill_cavities=True)


def canonical_gaussians(cloud: GaussianCloud) -> Gaussians:
    """The decoded Gaussians in the canonical cube [-0.5, 0.5]^3 (z up)."""
    fields = (cloud.means, cloud.scales, cloud.quat_wxyz, cloud.opacities, cloud.sh_dc)
    return Gaussians(*(field.float().cpu().numpy() for field in fields))
