"""Structured latents: what lies in the voxels near a surface to a latent each, and back (a variational autoencoder)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ...model.config import TINY, GaussianConfig, MeshDecoderConfig
from ...model.decoders import FieldDecoder, GaussianDecoder, VoxelFields
from ...model.encoders import FieldEncoder
from ...model.sparse import SparseTensor, Voxels
from ..engine.settings import OptimiserSettings, RunSettings
from ..losses.gaussians import GaussianTruth, GaussianWeights, gaussian_losses
from ..losses.voxels import VoxelWeights, voxel_losses
from .placed import PreparePlaced, Truth
from .voxel_truth import VoxelTruth, voxel_truth


def _run() -> RunSettings:
    return RunSettings(steps=5_000, batch=4, workers=1, optimiser=OptimiserSettings(rate=2e-3, warm_up=200))


@dataclass(frozen=True, slots=True)
class LatentsSettings:
    """Settings of this stage."""

    run: RunSettings = field(default_factory=_run)
    decoder: MeshDecoderConfig = TINY.mesh
    gaussians: GaussianConfig = TINY.gaussians
    placed: PreparePlaced = field(default_factory=PreparePlaced)
    divergence: float = 1e-4
    voxels: VoxelWeights = field(default_factory=VoxelWeights)
    splats: GaussianWeights = field(default_factory=GaussianWeights)


class LatentsObjective(nn.Module):
    """Fields of voxels through a latent that stays near the normal distribution; Gaussians read off the same latent."""

    latent_mean: Tensor  # [channels] of the latents of voxels near surfaces
    latent_std: Tensor  # [channels]

    def __init__(self, settings: LatentsSettings, read: Callable[[Mapping[str, Tensor]], Truth] | None = None) -> None:
        """`read` makes the truth of a batch; without it the objective serves later stages alone."""
        super().__init__()
        self.settings, self.read = settings, read
        self.encoder = FieldEncoder(settings.decoder)
        self.decoder = FieldDecoder(settings.decoder)
        self.gaussians = GaussianDecoder(settings.gaussians)
        channels = settings.decoder.trunk.channels
        self.register_buffer("latent_mean", torch.zeros(channels))
        self.register_buffer("latent_std", torch.ones(channels))

    @property
    def resolution(self) -> int:
        """Voxels along an edge of the cube."""
        return self.settings.decoder.trunk.resolution

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weighted terms of a batch of `read`, which also has the `seed` [B] of each object's draw."""
        truth, target = self.truths(batch)
        posterior = self.encoder(truth.voxels, target.fields)
        latent = posterior.sample(drawn_noise(truth.voxels, batch["seed"], posterior.log_variance.shape[1]))
        terms = self.field_losses(self.decoder(latent), target, truth.voxels)
        terms["divergence"] = self.settings.divergence * posterior.divergence()
        # The Gaussians read the latent and have no say in it.
        return terms | self._gaussian_losses(latent.replace(latent.features.detach()), truth, target)

    def truths(self, batch: Mapping[str, Tensor]) -> tuple[Truth, VoxelTruth]:
        """Shapes and voxels of a batch, and what is true in the voxels."""
        if self.read is None:
            raise ValueError("this objective was made without `read`; give one that makes the truth of a batch")
        with torch.no_grad(), torch.autocast(batch["seed"].device.type, enabled=False):
            truth = self.read(batch)
            return truth, self.voxel_truth(truth)

    def voxel_truth(self, truth: Truth) -> VoxelTruth:
        """What is true in the voxels of `truth`, for this decoder."""
        return voxel_truth(truth, self.resolution, self.decoder.field)

    def field_losses(self, answer: VoxelFields, target: VoxelTruth, voxels: Voxels) -> dict[str, Tensor]:
        """Weighted terms of decoded fields."""
        return voxel_losses(answer, target.fields, target.near, voxels.counts, self.settings.voxels)

    def latent(self, voxels: Voxels, fields: VoxelFields) -> Tensor:
        """Latent [N, channels] of true fields, standardised: what later stages predict."""
        latent: Tensor = (self.encoder(voxels, fields).mean.features - self.latent_mean) / self.latent_std
        return latent

    def decode(self, latent: SparseTensor) -> VoxelFields:
        """Fields of standardised latents."""
        fields: VoxelFields = self.decoder(self.restored(latent))
        return fields

    def restored(self, latent: SparseTensor) -> SparseTensor:
        """Standardised latents as the decoders read them."""
        return latent.replace(latent.features * self.latent_std + self.latent_mean)

    def measure_scale(self, batches: Iterator[Mapping[str, Tensor]]) -> None:
        """Take mean and deviation of the latents from batches of many objects."""
        found = []
        for batch in batches:
            truth, target = self.truths(batch)
            with torch.no_grad():
                found.append(self.encoder(truth.voxels, target.fields).mean.features)
        latents = torch.cat(found)
        self.latent_mean.copy_(latents.mean(dim=0))
        self.latent_std.copy_(latents.std(dim=0).clamp(min=1e-4))

    def _gaussian_losses(self, latent: SparseTensor, truth: Truth, target: VoxelTruth) -> dict[str, Tensor]:
        """Mean over objects of the terms of their Gaussians."""
        clouds = self.gaussians(latent)
        terms = [
            gaussian_losses(cloud, beside, self.resolution, self.settings.splats)
            for cloud, beside in zip(clouds, gaussian_truths(truth, target, self._first_cells()), strict=True)
        ]
        return {name: torch.stack([term[name] for term in terms]).mean() for name in terms[0]}

    def _first_cells(self) -> Tensor:
        """Number of the colour cell, z fastest, in which each Gaussian of a voxel starts."""
        cells = self.decoder.field.colour_cells
        offset = torch.tanh(self.gaussians.offset_perturbation) * 0.5 * self.settings.gaussians.voxel_size
        x, y, z = ((offset + 0.5) * cells).floor().long().clamp(0, cells - 1).unbind(dim=1)
        return (x * cells + y) * cells + z


def drawn_noise(voxels: Voxels, seeds: Tensor, channels: int) -> Tensor:
    """Normal noise [N, channels] of the voxels of each object, by its seed [B]."""
    parts = []
    for count, seed in zip(voxels.counts, seeds.tolist(), strict=True):
        parts.append(torch.randn(count, channels, generator=torch.Generator().manual_seed(seed)))
    return torch.cat(parts).to(voxels.coords.device)


def gaussian_truths(truth: Truth, target: VoxelTruth, cells: Tensor) -> Iterator[GaussianTruth]:
    """What Gaussians are compared with, object by object; each of a voxel takes after the cell of these numbers."""
    normals, colours = (x.flatten(0, 1) for x in (truth.surface.normals, truth.surface.colours))
    points = truth.surface.points
    chosen = target.point.flatten(1)[:, cells]  # [N, per voxel]
    owners = target.owner.view(points.shape[:2])
    first = 0
    for number, count in enumerate(truth.voxels.counts):
        own = chosen[first : first + count].flatten()
        inside = owners[number] >= 0
        yield GaussianTruth(
            distance=truth.distance[number : number + 1],
            normal=normals[own],
            colour=colours[own],
            points=points[number][inside],
            owner=owners[number][inside] - first,
            voxels=count,
        )
        first += count
