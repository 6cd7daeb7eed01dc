"""The object's own frame in a view-aligned cube, from the layout latents of a model that works in such cubes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from .pose import ROTATION_MEAN, ROTATION_STD, rotation_from_latent
from .structure import ROTATION

_LEAST_AXIS = 0.05  # of a predicted axis across the other one; in training both have the length 1


class LayoutError(ValueError):
    """A predicted layout from which no frame can be made."""


class ViewPoses(NamedTuple):
    """Frames of B objects: p_cube = rotation p_obj + translation, in edges of the cube, along its axes."""

    rotation: Tensor  # [B, 3, 3]
    translation_xyz: Tensor  # [B, 3] edges
    extents: Tensor  # [B, 3] edges, the object's box along its own axes


def decode_view_poses(layout: Mapping[str, Tensor]) -> ViewPoses:
    """Frames of layout latents [B, 1, channels], in float32.

    Raises LayoutError where a number is not finite or the two predicted axes leave the rotation open.
    """
    rotation, translation, log_extents = (layout[name][:, 0].float() for name in (ROTATION, "translation", "scale"))
    for name, latent in ((ROTATION, rotation), ("translation", translation), ("scale", log_extents)):
        if not bool(torch.isfinite(latent).all()):
            raise LayoutError(f"the model's layout is not finite: {name} is {latent.flatten().tolist()}")
    if not bool((_axis_lengths(rotation) > _LEAST_AXIS).all()):
        raise LayoutError(f"the model's two axes leave the rotation open: {rotation.flatten().tolist()}")
    return ViewPoses(rotation_from_latent(rotation).transpose(1, 2), translation, log_extents.exp())


def _axis_lengths(latent: Tensor) -> Tensor:
    """Lengths [B, 2] of the first predicted axis and of what the second one adds to it."""
    first, second = (latent * latent.new_tensor(ROTATION_STD) + latent.new_tensor(ROTATION_MEAN)).split(3, dim=1)
    length = torch.linalg.vector_norm(first, dim=1)
    across = torch.linalg.vector_norm(torch.linalg.cross(first, second), dim=1) / length.clamp(min=1e-9)
    return torch.stack([length, across], dim=1)
