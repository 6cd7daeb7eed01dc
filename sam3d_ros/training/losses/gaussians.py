"""Gaussians on a known surface: what a rendering would teach them, said directly and without one.

A Gaussian ought to lie on the surface, flat along it and as wide as the gaps between neighbours, in its colour; where
there is no surface it ought to be invisible; and no piece of surface ought to be far from all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from ...model.decoders import GaussianCloud

_WIDTH = 0.25  # voxels, standard deviation along the surface: with eight in a voxel about 0.7 of their distance
_THICKNESS = 0.05  # voxels, standard deviation across it
_VISIBLE = 0.33  # truncations (one of 64 parts of the cube) from the surface, within which a Gaussian is seen


@dataclass(frozen=True, slots=True)
class GaussianWeights:
    """Share of each term."""

    place: float = 1.0  # distance of the centre from the surface
    cover: float = 1.0  # distance of points of the surface from the nearest centre in their voxel
    shape: float = 0.5  # standard deviations across and along the surface
    colour: float = 1.0
    opacity: float = 0.2  # binary cross entropy


@dataclass(frozen=True, slots=True, eq=False)
class GaussianTruth:
    """Of the Gaussians of one object, equally many for each voxel and next to each other, and its surface points."""

    distance: Tensor  # [1, 1, R, R, R] truncations at the centres of the cube's voxels
    normal: Tensor  # [G, 3] of the surface beside each Gaussian
    colour: Tensor  # [G, 3] 0-1
    points: Tensor  # [P, 3] in cube coordinates
    owner: Tensor  # [P] voxel among those of the object in which each point lies
    voxels: int


def gaussian_losses(
    cloud: GaussianCloud, truth: GaussianTruth, resolution: int, weights: GaussianWeights
) -> dict[str, Tensor]:
    """Weighted terms, in float32, of the Gaussians of one object on a grid of `resolution` voxels an edge."""
    cloud = GaussianCloud(*(getattr(cloud, part.name).float() for part in fields(cloud)))
    where = (2 * cloud.means).flip(-1)[None, None, None]
    distance = functional.grid_sample(truth.distance, where, padding_mode="border", align_corners=False).flatten()
    seen = (distance.detach().abs() < _VISIBLE).float()
    shown = seen.sum().clamp(min=1)
    across, along = _deviations(cloud, truth.normal)
    shape = ((across - _THICKNESS / resolution).abs() + (along - _WIDTH / resolution).abs()) * resolution
    colour = (cloud.colours - truth.colour).abs().mean(dim=1)
    wanted, opacities = 0.02 + 0.96 * seen, cloud.opacities.clamp(1e-4, 1 - 1e-4)
    opacity = -(wanted * opacities.log() + (1 - wanted) * (1 - opacities).log()).mean()
    return {
        "place": weights.place * distance.abs().clamp(max=1).mean(),
        "cover": weights.cover * _cover(cloud.means, truth) * resolution,
        "shape": weights.shape * (shape * seen).sum() / shown,
        "gaussian_colour": weights.colour * (colour * seen).sum() / shown,
        "opacity": weights.opacity * opacity,
    }


def _deviations(cloud: GaussianCloud, normal: Tensor) -> tuple[Tensor, Tensor]:
    """Standard deviations [G] along normals [G, 3], and the root mean square of the two across them."""
    own = _turned_back(cloud.quat_wxyz, normal)
    variances = cloud.scales.square()
    across = (variances * own.square()).sum(dim=1)
    along = (variances.sum(dim=1) - across) / 2
    return across.clamp(min=1e-12).sqrt(), along.clamp(min=1e-12).sqrt()


def _turned_back(quat_wxyz: Tensor, v: Tensor) -> Tensor:
    """Vectors [G, 3] in the Gaussians' own axes."""
    w, u = quat_wxyz[:, :1], -quat_wxyz[:, 1:]
    t = 2 * torch.linalg.cross(u, v)
    return v + w * t + torch.linalg.cross(u, t)


def _cover(means: Tensor, truth: GaussianTruth) -> Tensor:
    """Mean distance of the points from the nearest centre in their voxel, cube edges."""
    if not len(truth.points):
        return means.sum() * 0
    each = means.unflatten(0, (truth.voxels, -1))  # [n, per voxel, 3]
    gaps = each[truth.owner] - truth.points[:, None]
    return gaps.square().sum(dim=-1).amin(dim=1).clamp(min=1e-10).sqrt().mean()
