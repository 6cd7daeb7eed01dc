"""The scale- and shift-invariant (SSI) space of an object's pointmap, in which stage 1 predicts the layout.

A point of the camera is a point of this space times `scale` plus `shift`. Both are found at the pointmap's original
resolution, before anything is cropped. Pointmaps are [3, H, W] in PyTorch3D camera axes, NaN where nothing is known.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .pixels import resize_nearest


class PointmapSpace(NamedTuple):
    """Where SSI space lies in the camera: p_camera = p_ssi * scale + shift."""

    scale: Tensor  # [3] one number three times, unit of the pointmap
    shift: Tensor  # [3] PyTorch3D camera axes, unit of the pointmap


def mark_invalid(pointmap: Tensor) -> Tensor:
    """The pointmap [3, H, W] with NaN in all coordinates of each pixel that has any infinite or NaN coordinate."""
    return torch.where(torch.isfinite(pointmap).all(dim=0, keepdim=True), pointmap, torch.nan)


def pointmap_space(pointmap: Tensor, mask: Tensor) -> PointmapSpace:
    """SSI space of the object under the mask [1, H, W] (> 0.5).

    The shift is the object's median along each axis; the scale the median, over all pixels of the scene, of the largest
    coordinate of the difference to it. Medians are the lower ones of even counts and leave NaN out. Where no coordinate
    of the object is finite the space is the camera's own: scale 1, shift 0; callers who refuse that ask before.
    """
    points = pointmap.reshape(3, -1)  # [3, N]
    on_object = points[:, _mask_of(pointmap, mask)]  # [3, M]
    if not torch.isfinite(on_object).any():
        return PointmapSpace(torch.ones_like(points[:, 0]), torch.zeros_like(points[:, 0]))
    shift = torch.nanmedian(on_object, dim=1).values
    reach = (points - shift[:, None]).abs().amax(dim=0)  # [N], NaN where a coordinate is NaN
    return PointmapSpace(torch.nanmedian(reach).expand(3), shift)


def normalise(pointmap: Tensor, space: PointmapSpace) -> Tensor:
    """The pointmap [3, H, W] in SSI space; NaN in one coordinate becomes NaN in all.

    Points are multiplied by the inverse of the 4 x 4 matrix of the space, which rounds otherwise than a difference that
    is divided: the published weights were trained on these numbers.
    """
    matrix = torch.eye(4, dtype=pointmap.dtype, device=pointmap.device)
    matrix[:3, :3] = torch.diag(1 / space.scale)
    matrix[:3, 3] = -space.shift / space.scale
    points = pointmap.reshape(3, -1)
    homogeneous = torch.cat([points, torch.ones_like(points[:1])])  # [4, N]
    return (matrix @ homogeneous)[:3].reshape(pointmap.shape)


def _mask_of(pointmap: Tensor, mask: Tensor) -> Tensor:
    """Which points lie on the object, [N]; a mask of another size is brought to the pointmap's."""
    if mask.shape[-2:] != pointmap.shape[-2:]:
        mask = resize_nearest(mask, *pointmap.shape[-2:])
    return (mask > 0.5).reshape(-1)
