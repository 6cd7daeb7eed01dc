"""Stage 1's surface with colours by rule, which stage 2 has to beat: the image where it is seen, else those nearby."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...model.refinement import looked_up
from ...pipeline.vertex_colors import spread_to_unseen
from .refined_figures import ColouredSurface, grid_surface
from .refined_views import RefinedViews

_NEIGHBOURS = 6  # seen vertices whose mean a hidden one takes
_GREY = 0.5


def first_surface(seen: RefinedViews, number: int) -> ColouredSurface:
    """The surface of stage 1's distance for the view of this number."""
    distance = seen.fields.distance
    if distance is None:
        raise ValueError("stage 1 says no signed distance; take a structure decoder that does")
    points = grid_surface(distance[number, 0].float().cpu().numpy())
    if not len(points):
        return ColouredSurface(points, points)
    pixel, visible = _visible(torch.from_numpy(points)[None], seen, number)
    image = seen.views.crop.color[number].flatten(1).T.cpu()
    colours = image[pixel.clamp(min=0)[0]].numpy()
    if not visible.any():
        return ColouredSurface(points, np.full(points.shape, _GREY, np.float32))
    bytes_ = np.rint(255 * colours).astype(np.uint8)
    spread = spread_to_unseen(points.astype(np.float64), bytes_, visible[0].numpy(), neighbours=_NEIGHBOURS)
    return ColouredSurface(points, (spread / 255).astype(np.float32))


def hidden_points(seen: RefinedViews, number: int) -> Tensor:
    """Which points [M] of the true surface the view of this number does not show."""
    surface = seen.truth.surface
    _, visible = _visible(surface.points[number][None].cpu(), seen, number)
    cubes = seen.views.cubes
    origin = -(cubes.T_cam_cube[number, :3, :3].T @ cubes.T_cam_cube[number, :3, 3]) / cubes.edge[number]
    facing = ((surface.points[number] - origin) * surface.normals[number]).sum(dim=1) < 0
    return ~(visible[0] & facing.cpu())


def _visible(points: Tensor, seen: RefinedViews, number: int) -> tuple[Tensor, Tensor]:
    """Pixels [1, P] of points [1, P, 3] in the cube, and which lie within a voxel of the depth in the mask."""
    views = seen.views
    obj = torch.tensor([[number]], device=views.observed.device)
    pixel, way = looked_up(points.to(obj.device), obj, views.cubes, views.crop)
    masked = views.crop.mask[number].flatten()[pixel.clamp(min=0)] & (pixel >= 0)
    return pixel.cpu(), (masked & (way.abs() < 1.0 / views.observed.shape[-1])).cpu()
