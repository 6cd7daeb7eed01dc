"""The cubes that the surface crosses and what is known at their corners, from raw channels or from a plain grid."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .grid import KeySpace, find
from .validation import CHANNEL_WIDTHS, check_unique

Field = tuple[torch.Tensor, ...]  # values [N, C] of N cubes at each of their eight corners


@dataclass(frozen=True, slots=True)
class SurfaceCubes:
    """The S cubes that the surface crosses, in the order of their keys, and the P points that are their corners."""

    space: KeySpace
    keys: torch.Tensor  # [S] int64, ascending
    cases: torch.Tensor  # [S] int64, 1-254
    corners: torch.Tensor  # [S, 8] int32 rows of the points
    sdf: torch.Tensor  # [P]
    values: torch.Tensor  # [P, 3 + A]: position, then attributes
    beta: torch.Tensor  # [S, 12] weights of the edges
    alpha: torch.Tensor  # [S, 8] weights of the corners
    gamma: torch.Tensor  # [S] weight of the cube's vertices in choosing a diagonal


@dataclass(frozen=True, slots=True)
class _ActiveCubes:
    keys: torch.Tensor  # [N] int64, ascending
    rows: torch.Tensor  # [N] of the channels

    def find(self, keys: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows [M] of the channels, and which of them are meant [M]: the others belong to inactive cubes."""
        places, found = find(self.keys, keys)
        return self.rows[places], found


def cubes_of_channels(cubes: torch.Tensor, channels: torch.Tensor, space: KeySpace) -> SurfaceCubes:
    """Crossed cubes, active or not, of active cubes [N, 3] with raw channels [N, 101], N > 0.

    A value at a point is the mean of what the active cubes around it say. A point without any has sdf +1 and zeros, a
    cube that is not active has zero weights: where an inside point borders on such cubes, they close the surface.
    """
    active = _sorted(cubes, space)
    raw_sdf, raw_deformation, raw_weights, raw_attributes = channels.split(CHANNEL_WIDTHS, dim=1)
    near = space.corners_of(active.keys)
    (near_sdf,) = _means(active, near, [_by_corner(raw_sdf)], space=space, bias=-1 / space.resolution)
    keys, cases = _crossed(near[near_sdf[:, 0] < 0], space)
    points, corners = _points_of(keys, space)
    fields = [_by_corner(raw_deformation), _by_corner(raw_attributes)]
    deformation, attributes = _means(active, points, fields, space=space)
    beta, alpha, gamma = _weights(active, keys, raw_weights)
    return SurfaceCubes(
        space=space,
        keys=keys,
        cases=cases,
        corners=corners,
        sdf=_or_outside(near, near_sdf[:, 0], points),
        values=torch.cat((_positions(points, deformation, space), torch.sigmoid(attributes)), dim=1),
        beta=beta,
        alpha=alpha,
        gamma=gamma,
    )


def cubes_of_grid(sdf: torch.Tensor) -> SurfaceCubes:
    """Crossed cubes of a plain grid of signed distances [R + 1, R + 1, R + 1], all weights alike, no attributes."""
    space = KeySpace(len(sdf) - 1)
    inside = (sdf < 0).to(torch.uint8)
    ends = (slice(None, -1), slice(1, None))
    cases = sum(inside[ends[j & 1], ends[j >> 1 & 1], ends[j >> 2 & 1]] << j for j in range(8))
    crossed = ((cases > 0) & (cases < 255)).nonzero()  # [S, 3]
    keys = space.encode(crossed)
    points, corners = _points_of(keys, space)
    dtype = torch.promote_types(sdf.dtype, torch.float32)
    flat = torch.zeros(len(points), 3, dtype=dtype, device=sdf.device)
    ones = flat.new_ones(len(keys), 12)
    return SurfaceCubes(
        space=space,
        keys=keys,
        cases=cases[tuple(crossed.T)].long(),
        corners=corners,
        sdf=sdf[tuple(space.decode(points).T)].to(dtype),
        values=_positions(points, flat, space),
        beta=ones,
        alpha=ones[:, :8],
        gamma=ones[:, 0] / 2,
    )


def _points_of(keys: torch.Tensor, space: KeySpace) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys [P] of all corners of the cubes [S], and the rows [S, 8] int32 of each cube's corners among them."""
    points = space.corners_of(keys)
    corners = [torch.searchsorted(points, keys + shift, out_int32=True) for shift in space.corner_shifts()]
    return points, torch.stack(corners, dim=1)


def _sorted(cubes: torch.Tensor, space: KeySpace) -> _ActiveCubes:
    keys, rows = torch.sort(space.encode(cubes))
    check_unique(keys)
    return _ActiveCubes(keys, rows)


def _by_corner(channels: torch.Tensor) -> Field:
    corners: Field = channels.unflatten(1, (8, -1)).unbind(1)
    return corners


def _means(
    active: _ActiveCubes, points: torch.Tensor, fields: list[Field], *, space: KeySpace, bias: float = 0.0
) -> list[torch.Tensor]:
    """Means [P, C] of each field over the active cubes around each point [P]; zero where there are none.

    Gathers instead of scattering, so that the sums have one order and a GPU repeats them bit by bit.
    """
    dtype = torch.promote_types(fields[0][0].dtype, torch.float32)
    count = torch.zeros(len(points), 1, dtype=dtype, device=points.device)
    sums = [count.new_zeros(len(points), field[0].shape[1]) for field in fields]
    for corner, shift in enumerate(space.corner_shifts()):
        rows, found = active.find(points - shift)
        present = found[:, None].to(dtype)
        count += present
        values = [field[corner][rows].to(dtype) + bias for field in fields]
        sums = [total + value * present for total, value in zip(sums, values, strict=True)]
    return [total / count.clamp(min=1) for total in sums]


def _crossed(inside: torch.Tensor, space: KeySpace) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys [S] of the cubes with corners on both sides, and their cases [S], of the sorted inside points."""
    keys = space.cubes_at(inside)
    cases = torch.zeros_like(keys)
    if len(inside):
        for corner, shift in enumerate(space.corner_shifts()):
            cases |= find(inside, keys + shift)[1].long() << corner
    crossed = cases < 255
    return keys[crossed], cases[crossed]


def _or_outside(near: torch.Tensor, near_sdf: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    rows, found = find(near, points)
    return torch.where(found, near_sdf[rows], 1.0)


def _positions(points: torch.Tensor, deformation: torch.Tensor, space: KeySpace) -> torch.Tensor:
    resolution = space.resolution
    rest = space.decode(points).to(deformation.dtype) / resolution - 0.5
    return rest + (1 - 1e-8) / (2 * resolution) * torch.tanh(deformation)


def _weights(
    active: _ActiveCubes, keys: torch.Tensor, raw_weights: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Beta [S, 12], alpha [S, 8] and gamma [S] of the cubes [S]; those of raw zeros where a cube is not active."""
    rows, found = active.find(keys)
    dtype = torch.promote_types(raw_weights.dtype, torch.float32)
    present = found[:, None].to(dtype)
    beta, alpha, gamma = (part[rows].to(dtype) * present for part in raw_weights.split((12, 8, 1), dim=1))
    return 1 + 0.99 * torch.tanh(beta), 1 + 0.99 * torch.tanh(alpha), 0.99 * torch.sigmoid(gamma[:, 0]) + 0.005
