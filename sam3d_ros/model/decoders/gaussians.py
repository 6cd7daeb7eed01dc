"""Decoder of structured latents to Gaussians."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, softplus

from ..config import GaussianConfig
from ..layers import LayerNorm
from ..sparse import SparseTensor
from .cloud import GaussianCloud
from .perturbation import spread_offsets
from .trunk import LatentTrunk

# Numbers per Gaussian in the order of the output channels: offset, colour, scale, rotation, opacity.
_FIELDS = (3, 3, 3, 4, 1)


class GaussianDecoder(LatentTrunk):
    """A fixed number of Gaussians around each voxel."""

    def __init__(self, config: GaussianConfig) -> None:
        super().__init__(config.trunk)
        self.gaussians = config
        self.norm_out = LayerNorm(config.trunk.width, eps=1e-5, affine=False)
        self.out_layer = nn.Linear(config.trunk.width, config.per_voxel * sum(_FIELDS))
        self.offset_perturbation: Tensor  # [per_voxel, 3]
        self.register_buffer("offset_perturbation", spread_offsets(config.per_voxel, config.voxel_size))

    def forward(self, latents: SparseTensor) -> list[GaussianCloud]:
        """The Gaussians of each object, those of one voxel next to each other, of latents [N, channels], float32."""
        h = self.features(latents)
        h = h.replace(self.out_layer(self.norm_out(h.features.float())))
        return [self._cloud(places, channels) for places, channels in h.per_object()]

    def _cloud(self, places: Tensor, channels: Tensor) -> GaussianCloud:
        """Gaussians of voxels at places [n, 3] with raw output channels [n,14 * per_voxel]."""
        config, count = self.gaussians, self.gaussians.per_voxel
        raw = [
            part.unflatten(1, (count, -1)) for part in channels.split([count * size for size in _FIELDS], dim=1)
        ]  # [n, count, size] each
        offset, colour, scale, rotation, opacity = raw
        identity = rotation.new_tensor((1.0, 0.0, 0.0, 0.0))
        scales = softplus(scale + _inverse_softplus(config.scaling_bias)).square() + config.filter_3d**2
        return GaussianCloud(
            means=self._means(places, offset).flatten(0, 1),
            scales=scales.sqrt().flatten(0, 1),
            quat_wxyz=normalize(config.rotation_rate * rotation + identity, dim=-1).flatten(0, 1),
            opacities=torch.sigmoid(opacity + _logit(config.opacity_bias)).flatten(),
            sh_dc=colour.flatten(0, 1),
        )

    def _means(self, places: Tensor, offset: Tensor) -> Tensor:
        """Means [n, count, 3], canonical: around the centres of voxels at places [n, 3]."""
        resolution, reach = self.config.resolution, 0.5 * self.gaussians.voxel_size
        centres = (places.float() + 0.5)[:, None] / resolution - 0.5
        return centres + torch.tanh(offset + self.offset_perturbation) * (reach / resolution)


def _inverse_softplus(value: float) -> float:
    return value + math.log(-math.expm1(-value))


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))
