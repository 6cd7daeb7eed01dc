"""What the camera saw through is not part of an object, whatever a network says of it."""

from __future__ import annotations

import torch
from torch import Tensor

from ..preprocess.observed import VoxelState
from .decoder import StructureFields

_DISTANCE = 0.15  # of a voxel that was seen through, at least, in truncations: less than half a voxel of 64
_LOGIT = -1.0  # at most


def carved(fields: StructureFields, observed: Tensor) -> StructureFields:
    """The fields with all that was seen through outside.

    `observed` [B, R, R, R] are states of the same voxels (`VoxelState`). The surface may still lie within half a voxel
    of what was seen through, so that measured surfaces keep their place between voxels. Raises ValueError where the
    grids differ.
    """
    if fields.logits[:, 0].shape != observed.shape:
        raise ValueError(f"fields of {tuple(fields.logits.shape)} for states of {tuple(observed.shape)}")
    free = (observed == VoxelState.FREE)[:, None]
    logits = torch.where(free, fields.logits.clamp(max=_LOGIT), fields.logits)
    if fields.distance is None:
        return StructureFields(logits, None)
    return StructureFields(logits, torch.where(free, fields.distance.clamp(min=_DISTANCE), fields.distance))
