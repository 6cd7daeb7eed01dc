"""Occupancy, signed distance and what the camera saw, made to say the same."""

from __future__ import annotations

import torch
from torch import Tensor

from ..preprocess.observed import VoxelState
from .decoder import StructureFields

_HIDDEN = 0.75  # added to logits of hidden voxels: there inside is likelier than an undecided network says
_FREE_DISTANCE = 0.25  # of a voxel that was seen through, at least, in truncations: less than a voxel of 64
_FREE_LOGIT = -1.0  # at most
_BY_LOGIT = 0.75  # share of the logits in a distance, where both have the same side
_NEAR = 0.6  # truncations from the surface, within which logits are compared with distances
_STEEP = 5.0  # logits in a truncation, where no voxel tells


def reconciled(fields: StructureFields, observed: Tensor) -> StructureFields:
    """Fields in which logits and distances have the same sides, and all that was seen through is outside.

    `observed` [B, R, R, R] are states of the same voxels (`VoxelState`). The logits say the side, and near the surface,
    where they fall evenly, also how far away it is: that has the larger share in the distance, and decides alone where
    the two have different sides, so that surfaces have no steps there. They may still lie within a voxel of what was
    seen through, so that measured surfaces keep their place between voxels. Raises ValueError where the grids differ.
    """
    if fields.logits[:, 0].shape != observed.shape:
        raise ValueError(f"fields of {tuple(fields.logits.shape)} for states of {tuple(observed.shape)}")
    state = observed[:, None]
    hidden, free = (state == VoxelState.BEHIND) | (state == VoxelState.OUTSIDE), state == VoxelState.FREE
    logits = fields.logits + _HIDDEN * hidden
    logits = torch.where(free, logits.clamp(max=_FREE_LOGIT), logits)
    if fields.distance is None:
        return StructureFields(logits, None)
    distance, agree = fields.distance, (fields.distance < 0) == (logits > 0)
    told = (-logits / _steepness(logits, distance, agree)).clamp(-1, 1)
    distance = torch.where(agree, torch.lerp(distance, told, _BY_LOGIT), told)
    return StructureFields(logits, torch.where(free, distance.clamp(min=_FREE_DISTANCE), distance))


def _steepness(logits: Tensor, distance: Tensor, agree: Tensor) -> Tensor:
    """By how much logits change over a truncation near each object's surface, [B, 1, 1, 1, 1]."""
    near = agree & (distance.abs() < _NEAR) & (distance != 0)
    ratios = [(x[own] / d[own]).abs() for x, d, own in zip(logits, distance, near, strict=True)]
    medians = [x.median() if len(x) else x.new_tensor(_STEEP) for x in ratios]
    return torch.stack(medians).clamp(min=1e-3)[:, None, None, None, None]
