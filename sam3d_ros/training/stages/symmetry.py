"""Turns about an object's own upright axis that leave it as it is, and one frame among those that look alike."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..data.targets import DistanceVolumes

ANY = 0  # the order of a body of revolution
_ORDERS = (6, 4, 3, 2)
_ANGLES = 36  # directions in which distances are looked up, so that a turn by a share of 36 is a shift of them
_ANY_TURNS = (1, 4, 7)  # of these: a body that none of them changes is one of revolution
_RINGS, _LAYERS = 14, 20  # radii and heights
_SAME = 0.03  # of the largest extent: difference of signed distances, up to which two poses look alike
_PLACES = 0.97  # share of the places where it must not be exceeded: a handle is small


def symmetry_orders(volumes: DistanceVolumes) -> Tensor:
    """Order [K] of each object's symmetry about z: n for turns by 360 / n degrees, 1 for none, `ANY` for all turns."""
    found = [_order(_one(volumes, row)) for row in range(len(volumes.values))]
    return torch.tensor(found, device=volumes.values.device)


def settled(R_cube_obj: Tensor, orders: Tensor) -> Tensor:
    """Rotations [B, 3, 3] object to cube, turned about the object's z by a symmetry so that x faces the camera most.

    Poses that look alike come out as one; an object of order 1 stays as it is. `orders` [B] as `symmetry_orders` says.
    """
    towards = -R_cube_obj[:, 2]  # [B, 3] the way to the camera, -z of the cube, in the object's frame
    angle = torch.atan2(towards[:, 1], towards[:, 0])
    step = 2 * math.pi / orders.clamp(min=1)
    turn = torch.where(orders == ANY, angle, step * torch.round(angle / step))
    turn = torch.where(orders == 1, 0.0, turn)
    return R_cube_obj @ _about_z(turn)


def _one(volumes: DistanceVolumes, row: int) -> DistanceVolumes:
    parts = (x[row : row + 1] for x in (volumes.values, volumes.low, volumes.high, volumes.truncation))
    return DistanceVolumes(*parts)


def _order(volume: DistanceVolumes) -> int:
    """The order of one object."""
    size = float((volume.high - volume.low).max())
    around = volume.at(_cylinder(size, volume.low.device)[None])[0]  # [angles, rings, layers]
    if all(_looks_alike(around, turn, size, volume) for turn in _ANY_TURNS):
        return ANY
    return next((order for order in _ORDERS if _looks_alike(around, _ANGLES // order, size, volume)), 1)


def _cylinder(size: float, device: torch.device) -> Tensor:
    """Points [angles, rings, layers, 3] about the z axis."""
    angle = torch.arange(_ANGLES, device=device) * (2 * math.pi / _ANGLES)
    radius = torch.linspace(0.04, 0.6, _RINGS, device=device) * size
    height = torch.linspace(-0.5, 0.5, _LAYERS, device=device) * size
    a, r, z = torch.meshgrid(angle, radius, height, indexing="ij")
    return torch.stack([r * a.cos(), r * a.sin(), z], dim=-1)


def _looks_alike(around: Tensor, turn: int, size: float, volume: DistanceVolumes) -> bool:
    """Whether an object is about the same after a turn, compared where either pose has its surface near."""
    turned = around.roll(turn, dims=0)
    near = torch.minimum(around.abs(), turned.abs()) < 0.5 * volume.truncation
    return float((around - turned).abs()[near].quantile(_PLACES)) < _SAME * size


def _about_z(angle: Tensor) -> Tensor:
    """Rotations [B, 3, 3] by angles [B]."""
    cos, sin, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    rows = [torch.stack(row, dim=-1) for row in ((cos, -sin, zero), (sin, cos, zero), (zero, zero, one))]
    return torch.stack(rows, dim=1)
