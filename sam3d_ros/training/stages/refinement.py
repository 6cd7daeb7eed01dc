"""The refinement network: structured latents in the voxels of stage 1, regressed at t = 0 first, then a flow over t."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import torch
from torch import Tensor, nn

from ...model.config import TINY, EmbedderConfig, RefinementConfig, SamplerConfig
from ...model.decoders import VoxelFields
from ...model.embedders import ConditionEmbedder
from ...model.refinement import RefinementCondition, RefinementNetwork, refinement_velocity
from ...model.sampling import TIME_SCALE, integrate
from ...model.sparse import SparseTensor
from ..engine.settings import OptimiserSettings, RunSettings
from .geometry import Spread
from .latents import LatentsObjective, drawn_noise
from .refined_views import RefinedViews

NAME = "refinement"
ReadViews: TypeAlias = Callable[[Mapping[str, Tensor]], RefinedViews]
_SLAT = "slat"


def _run() -> RunSettings:
    return RunSettings(steps=5_000, batch=4, workers=1, optimiser=OptimiserSettings(rate=1.5e-3, warm_up=200))


@dataclass(frozen=True, slots=True)
class RefinementSettings:
    """Settings of this stage."""

    run: RunSettings = field(default_factory=_run)
    start: str | None = None  # stage whose fields are refined, None: the last one; "truth": true shapes a little bent
    start_steps: int = 1  # in which that stage is sampled; 1 is the regression
    embedder: EmbedderConfig = TINY.stage2_embedder
    refinement: RefinementConfig = TINY.refinement
    spread: Spread = field(default_factory=lambda: Spread(begin=0.6, end=0.8, flow=0.5))
    mirrored: float = 0.5  # share of the samples that are seen as in a mirror
    latent: float = 0.3  # weight of the latent beside what is decoded from it


class RefinementObjective(nn.Module):
    """Clean latents in voxels, under tokens of images and masks and what is told of each voxel."""

    def __init__(self, settings: RefinementSettings, latents: LatentsObjective, read: ReadViews | None = None) -> None:
        """`latents` is trained and stays as it is; `read` makes views of a batch. ValueError for velocities."""
        super().__init__()
        if settings.refinement.prediction != "clean":
            found = settings.refinement.prediction
            raise ValueError(f"prediction {found!r}; this stage trains networks that say clean")
        self.settings, self.read = settings, read
        self.embedder = ConditionEmbedder(settings.embedder)
        self.refinement = RefinementNetwork(settings.refinement)
        self.latents = latents.requires_grad_(False).eval()
        for vit in self.embedder.module_list:
            vit.backbone.mask_token.requires_grad_(False)  # in the published files; nothing reads it
            vit.backbone.norm.requires_grad_(not settings.embedder.prenorm_features)

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weighted terms of a batch from `PrepareRefinement`, of samples from `StoredViews`."""
        seen = self.views(batch)
        voxels = seen.truth.voxels
        with torch.no_grad(), torch.autocast(batch["seed"].device.type, enabled=False):
            target = self.latents.voxel_truth(seen.truth)
            data = self.latents.latent(voxels, target.fields)
        time = batch["time"].float()
        share = voxels.spread(time[:, None])
        state = (1 - share) * drawn_noise(voxels, batch["seed"], data.shape[1]) + share * data
        clean = self._predict(SparseTensor(voxels, state), time, seen)
        errors = (clean.features - data).square().mean(dim=1).split(voxels.counts)
        terms = {"latent": self.settings.latent * torch.stack([error.mean() for error in errors]).mean()}
        terms.update(self.latents.field_losses(self.latents.decode(clean), target, voxels))
        return terms

    def views(self, batch: Mapping[str, Tensor]) -> RefinedViews:
        """Inputs, voxels and truth of a batch."""
        if self.read is None:
            raise ValueError("this objective was made without `read`; give one that makes views of a batch")
        with torch.no_grad():
            return self.read(batch)

    def sample(self, seen: RefinedViews, seeds: Tensor, sampler: SamplerConfig) -> SparseTensor:
        """Latents, standardised, sampled in the voxels of views; `sampler.steps` of 1 is the regression."""
        voxels = seen.truth.voxels
        with torch.no_grad():
            condition, told = self._condition(seen), self.refinement.tell(seen.features)
        velocity = refinement_velocity(self.refinement, condition, voxels, told)
        noise = drawn_noise(voxels, seeds, self.settings.refinement.channels)
        return SparseTensor(voxels, integrate(velocity, {_SLAT: noise}, sampler)[_SLAT])

    def refined(self, seen: RefinedViews, seeds: Tensor, sampler: SamplerConfig) -> VoxelFields:
        """Fields decoded from sampled latents."""
        with torch.no_grad():
            fields: VoxelFields = self.latents.decode(self.sample(seen, seeds, sampler))
        return fields

    def _predict(self, state: SparseTensor, time: Tensor, seen: RefinedViews) -> SparseTensor:
        told = self.refinement.tell(seen.features)
        step_size = None if self.refinement.d_embedder is None else torch.zeros_like(time)
        clean: SparseTensor = self.refinement.predict(
            state, time * TIME_SCALE, self._condition(seen), step_size, told_of_voxels=told
        )
        return clean

    def _condition(self, seen: RefinedViews) -> RefinementCondition:
        tokens = self.embedder({name: seen.views.inputs[name] for name in self.embedder.inputs})
        return self.refinement.project(tokens)
