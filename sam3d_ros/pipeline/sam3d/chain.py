"""The stages of SAM 3D Objects for one object: tensors in, tensors out, each part of the model for its turn only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from ...model.config import Sam3dConfig, SamplerConfig
from ...model.decoders import GaussianCloud, VoxelFields
from ...model.refinement import refinement_velocity
from ...model.sampling import draw_latents, draw_voxel_noise, integrate
from ...model.sparse import SparseTensor, Voxels
from ...model.structure import (
    FittedVoxels,
    StructureFields,
    fit_voxels,
    geometry_velocity,
    latent_sizes,
    occupied_voxels,
    prune_interior,
)
from ...model.surface import Surface, extract_surface
from .residency import Residency

OnStep = Callable[[int, int], None]  # steps done, of how many; raises Cancelled where that was asked for

# Parts of the model in the order of their turns.
STAGE1_EMBEDDER, GEOMETRY, STRUCTURE = "stage1_embedder", "geometry", "structure_decoder"
STAGE2_EMBEDDER, REFINEMENT, MESH = "stage2_embedder", "refinement", "mesh_decoder"
STAGE1, STAGE2 = (STAGE1_EMBEDDER, GEOMETRY, STRUCTURE), (STAGE2_EMBEDDER, REFINEMENT, MESH)
PARTS = (*STAGE1, *STAGE2)
GAUSSIANS = {4: "gaussian_decoder_4", 32: "gaussian_decoder"}  # by Gaussians of each voxel

_FULL_IMAGE = "rgb_image"  # the one input that the masks of a frame share
_SLAT = "slat"


class SharedTokens(Protocol):
    """What the masks of a frame share."""

    @property
    def full_tokens(self) -> dict[str, Tensor]:
        """Tokens of the full colour image, by embedder."""


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """The model on its device; with `alone` no part but the one in use is held in memory."""

    config: Sam3dConfig
    samplers: tuple[SamplerConfig, SamplerConfig]  # of stage 1 and 2
    residency: Residency
    device: torch.device
    max_voxels: int  # a shape of more is refined at half the resolution
    refines: bool = True  # stage 2 works as well
    alone: bool = False

    def generator(self, seed: int) -> torch.Generator:
        """The source of one object's noise, in the published order; CPU and GPU draw different numbers."""
        return torch.Generator(self.device).manual_seed(seed)

    def condition(self, part: str, frame: SharedTokens, inputs: Mapping[str, Tensor]) -> Tensor:
        """Condition tokens [1, T, C] of an object for the stage of this embedder, from inputs by their names.

        Tokens of the full image are kept with the frame.
        """
        with self._use(part) as embedder:
            if part not in frame.full_tokens:
                frame.full_tokens[part] = embedder.embed(_FULL_IMAGE, inputs[_FULL_IMAGE])
            own = [name for name in embedder.inputs if name != _FULL_IMAGE]
            tokens = {name: embedder.embed(name, inputs[name]) for name in own}
            fused: Tensor = embedder.fuse(tokens | {_FULL_IMAGE: frame.full_tokens[part]})
            return fused

    def geometry(
        self, tokens: Tensor, generator: torch.Generator, on_step: OnStep, *, observed: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The five latents [1, L, C] of stage 1 under condition tokens [1, T, C].

        `observed` [1, R, R, R] are the states of the voxels of a view-aligned cube, for networks that read such.
        """
        noise = draw_latents(latent_sizes(self.config.geometry), [generator], device=self.device)
        with self._use(GEOMETRY) as network:
            seen = None if observed is None or network.observed_encoder is None else network.observe(observed)
            velocity = geometry_velocity(network, network.project(tokens), seen)
            return integrate(velocity, noise, self.samplers[0], progress=on_step)

    def fields(self, shape: Tensor) -> StructureFields:
        """All that the structure decoder says of the shape latent [1, L, C], float32."""
        with self._use(STRUCTURE) as decoder:
            said: StructureFields = decoder.fields(shape)
            return said

    def structure(self, shape: Tensor) -> Tensor:
        """Occupancy logits [1, 1, R, R, R] float32 of the shape latent [1, L, C]."""
        return self.fields(shape).logits

    def voxels(self, logits: Tensor, generator: torch.Generator) -> FittedVoxels:
        """The shell of the occupied voxels, at most `max_voxels`; raises EmptyStructureError without any."""
        return fit_voxels(prune_interior(occupied_voxels(logits)), self.max_voxels, generator)

    def refine(
        self,
        tokens: Tensor,
        voxels: Voxels,
        generator: torch.Generator,
        on_step: OnStep,
        *,
        features: Tensor | None = None,
    ) -> SparseTensor:
        """The structured latent, float32, of the voxels of an object under condition tokens [1, T, C].

        `features` [N, F] are for networks that are told of each voxel.
        """
        count, channels = len(voxels.coords), self.config.refinement.channels
        noise = draw_voxel_noise([count], channels, [generator], device=self.device)
        with self._use(REFINEMENT) as network:
            told = () if features is None else (network.tell(features),)
            velocity = refinement_velocity(network, network.project(tokens), voxels, *told)
            slat = integrate(velocity, {_SLAT: noise}, self.samplers[1], progress=on_step)[_SLAT]
        mean, std = (torch.tensor(x, device=self.device) for x in (self.config.slat_mean, self.config.slat_std))
        return SparseTensor(voxels, slat * std + mean)

    def surface(self, slat: SparseTensor) -> Surface:
        """The triangle mesh of a structured latent in the canonical cube."""
        with self._use(MESH) as decoder:
            cubes = decoder(slat)
        mesh = self.config.mesh
        return extract_surface(cubes.coords[:, 1:], cubes.features, mesh.trunk.resolution * 2 ** len(mesh.widths))

    def cells(self, slat: SparseTensor) -> VoxelFields:
        """Signed distance and colours within the voxels of a structured latent, of weights that decode such."""
        with self._use(MESH) as decoder:
            fields: VoxelFields = decoder(slat)
            return fields

    def gaussians(self, slat: SparseTensor, per_voxel: int) -> GaussianCloud:
        """The Gaussians of a structured latent, in the canonical cube."""
        with self._use(GAUSSIANS[per_voxel]) as decoder:
            cloud: GaussianCloud = decoder(slat)[0]
            return cloud

    def finish_work(self) -> None:
        """Wait until the device has done what it was told."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def _use(self, part: str) -> AbstractContextManager[Any]:
        return self.residency.use(part, alone=self.alone)
