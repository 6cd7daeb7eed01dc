"""Occupancy, signed distance and what the camera saw, made to say the same."""

from __future__ import annotations

import torch
from torch import Tensor

from ..preprocess.observed import VoxelState
from .decoder import StructureFields

_HIDDEN = 0.75  # added to logits of hidden voxels: there inside is likelier than an undecided network says
_TOLD = 0.1  # truncations from the surface of a voxel whose sign the logits turned, at least
_FREE_DISTANCE = 0.15  # of a voxel that was seen through, at least, in truncations: less than half a voxel of 64
_FREE_LOGIT = -1.0  # at most


def reconciled(fields: StructureFields, observed: Tensor) -> StructureFields:
    """Fields in which logits and distances have the same sides, and all that was seen through is outside.

    `observed` [B, R, R, R] are states of the same voxels (`VoxelState`). The logits say the side, the distance how far
    away the surface is. It may still lie within half a voxel of what was seen through, so that measured surfaces keep
    their place between voxels. Raises ValueError where the grids differ.
    """
    if fields.logits[:, 0].shape != observed.shape:
        raise ValueError(f"fields of {tuple(fields.logits.shape)} for states of {tuple(observed.shape)}")
    state = observed[:, None]
    hidden, free = (state == VoxelState.BEHIND) | (state == VoxelState.OUTSIDE), state == VoxelState.FREE
    logits = fields.logits + _HIDDEN * hidden
    logits = torch.where(free, logits.clamp(max=_FREE_LOGIT), logits)
    if fields.distance is None:
        return StructureFields(logits, None)
    inside, distance = logits > 0, fields.distance
    turned = torch.where(inside, -1.0, 1.0) * distance.abs().clamp(min=_TOLD)
    distance = torch.where((distance < 0) == inside, distance, turned)
    return StructureFields(logits, torch.where(free, distance.clamp(min=_FREE_DISTANCE), distance))
