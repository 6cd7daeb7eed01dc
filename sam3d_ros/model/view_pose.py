"""The object's own frame in a view-aligned cube, from the layout latents of a model that works in such cubes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from .pose import ROTATION_MEAN, ROTATION_STD
from .structure import ROTATION

_USUAL = 0.1  # weight of the usual pose where an axis is missing altogether


class LayoutError(ValueError):
    """A predicted layout from which no frame can be made."""


class ViewPoses(NamedTuple):
    """Frames of B objects: p_cube = rotation p_obj + translation, in edges of the cube, along its axes."""

    rotation: Tensor  # [B, 3, 3]
    translation_xyz: Tensor  # [B, 3] edges
    extents: Tensor  # [B, 3] edges, the object's box along its own axes


def decode_view_poses(layout: Mapping[str, Tensor]) -> ViewPoses:
    """Frames of layout latents [B, 1, channels], in float32. Raises LayoutError where a number is not finite."""
    rotation, translation, log_extents = (layout[name][:, 0].float() for name in (ROTATION, "translation", "scale"))
    for name, latent in ((ROTATION, rotation), ("translation", translation), ("scale", log_extents)):
        if not bool(torch.isfinite(latent).all()):
            raise LayoutError(f"the model's layout is not finite: {name} is {latent.flatten().tolist()}")
    return ViewPoses(_nearest_rotation(rotation), translation, log_extents.exp())


def _nearest_rotation(latent: Tensor) -> Tensor:
    """Rotations [B, 3, 3] object to cube, of standardised axes [B, 6].

    A mean over turns that the view leaves open comes out as axes that are too short: a box whose front nobody can tell
    has an upright axis and hardly another one. What is missing in length is filled up with a usual pose, upright and
    facing the camera; axes of full length are taken as they are.
    """
    axes = latent * latent.new_tensor(ROTATION_STD) + latent.new_tensor(ROTATION_MEAN)
    first, second = axes.split(3, dim=1)  # the cube's x and y in the object's frame
    told = torch.stack([first, second, torch.linalg.cross(first, second)], dim=1)  # object to cube
    missing = (1 - torch.linalg.vector_norm(told[:, :2], dim=2)).clamp(min=0).sum(dim=1)
    usual = latent.new_tensor([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]])
    u, _, vh = torch.linalg.svd(told + _USUAL * missing[:, None, None] * usual)
    sides = torch.ones_like(told[:, 0])
    sides[:, 2] = torch.linalg.det(u @ vh).sign()
    return u @ (sides[:, :, None] * vh)
