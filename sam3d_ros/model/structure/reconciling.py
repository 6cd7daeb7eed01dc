"""Occupancy, signed distance and what the camera saw, made to say the same."""

from __future__ import annotations

import torch
from torch import Tensor

from ..preprocess.observed import VoxelState
from .decoder import StructureFields

_HIDDEN = 0.75  # added to logits of hidden voxels: there inside is likelier than an undecided network says
_BEHIND_SEEN = (6.0, 3.0)  # added to logits of the first two voxels behind a seen surface: something must carry it
_BEFORE_SEEN = -2.0  # and to those of the first voxel before it
_DOUBTFUL = 0.2  # truncations, up to which a distance on the wrong side of a seen surface is doubted: 0.6 voxels of 64
_FREE_DISTANCE = 0.25  # of a voxel that was seen through, at least, in truncations: less than a voxel of 64
_FREE_LOGIT = -1.0  # at most
_BY_LOGIT = 0.75  # share of the logits in a distance, where both have the same side
_NEAR = 0.6  # truncations from the surface, within which logits are compared with distances
_STEEP = 5.0  # logits in a truncation, where no voxel tells


def reconciled(fields: StructureFields, observed: Tensor) -> StructureFields:
    """Fields in which logits and distances have the same sides, and all that was seen through is outside.

    `observed` [B, R, R, R] are states of the same voxels (`VoxelState`) in a cube whose z points away from the camera.

    A seen surface has something behind it and nothing before it, unless the distance puts it clearly elsewhere.
    The logits say the side, and near the surface, where they fall evenly, also how far away it is: that has the larger
    share in the distance, and decides alone where the two have different sides, so that surfaces have no steps there.
    They may still lie within a voxel of what was seen through, so that measured surfaces keep their place between
    voxels. Raises ValueError where the grids differ.
    """
    if fields.logits[:, 0].shape != observed.shape:
        raise ValueError(f"fields of {tuple(fields.logits.shape)} for states of {tuple(observed.shape)}")
    state = observed[:, None]
    hidden, free = (state == VoxelState.BEHIND) | (state == VoxelState.OUTSIDE), state == VoxelState.FREE
    logits = fields.logits + _HIDDEN * hidden + _beside_seen(state, fields.distance)
    logits = torch.where(free, logits.clamp(max=_FREE_LOGIT), logits)
    if fields.distance is None:
        return StructureFields(logits, None)
    distance, agree = fields.distance, (fields.distance < 0) == (logits > 0)
    told = (-logits / _steepness(fields.logits, distance)).clamp(-1, 1)
    distance = torch.where(agree, torch.lerp(distance, told, _BY_LOGIT), told)
    return StructureFields(logits, torch.where(free, distance.clamp(min=_FREE_DISTANCE), distance))


def _beside_seen(state: Tensor, distance: Tensor | None) -> Tensor:
    """What is added to logits just before and behind seen surfaces; the seen voxels are three deep along the ray."""
    near, behind, free = (state == kind for kind in (VoxelState.NEAR, VoxelState.BEHIND, VoxelState.FREE))
    last, first = near & _next(behind, -1), near & _next(free, 1)
    deeper = behind & _next(near, 1)
    added = _BEHIND_SEEN[0] * last + _BEHIND_SEEN[1] * deeper + _BEFORE_SEEN * first
    # Where depth changes steeply or a thing ends, what lies behind a seen pixel may be beside the thing.
    return added if distance is None else torch.where(distance * added.sign() < _DOUBTFUL, added, 0.0)


def _next(voxels: Tensor, steps: int) -> Tensor:
    """Whether the voxel nearer to the camera by 1, or farther away by 1 (-1), is one of these; none beyond the cube."""
    edge = torch.zeros_like(voxels[..., :1])
    return torch.cat([edge, voxels[..., :-1]] if steps > 0 else [voxels[..., 1:], edge], dim=-1)


def _steepness(logits: Tensor, distance: Tensor) -> Tensor:
    """By how much a network's logits change over a truncation near each object's surface, [B, 1, 1, 1, 1]."""
    near = ((distance < 0) == (logits > 0)) & (distance.abs() < _NEAR) & (distance != 0)
    ratios = [(x[own] / d[own]).abs() for x, d, own in zip(logits, distance, near, strict=True)]
    medians = [x.median() if len(x) else x.new_tensor(_STEEP) for x in ratios]
    return torch.stack(medians).clamp(min=1e-3)[:, None, None, None, None]
