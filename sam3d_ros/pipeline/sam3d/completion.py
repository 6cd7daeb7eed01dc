"""One object's walk through the model: condition, stage 1, coarse answer, stage 2, decoding, settling against depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ...geometry import Mesh, Sim3
from ...geometry.gaussians import Gaussians
from ...model.config import EmbedderConfig
from ...model.pose import T_optical_canonical, decode_poses
from ...model.preprocess import ModelInputs
from ...model.sparse import SparseTensor, Voxels
from ...model.structure import SHAPE, FittedVoxels
from ..model_options import ModelOptions, RegistrationMode
from ..observation import Observation
from ..result import Reconstruction, Rejection
from ..stages import Stages
from .chain import STAGE1_EMBEDDER, STAGE2_EMBEDDER, Chain
from .coarse import voxel_surface
from .decoding import canonical_gaussians, canonical_mesh, solid
from .frames import PreparedFrame
from .placing import Placement, Placer, reconstruction
from .settings import Sam3dSettings

# The stages of an object in their order, with their usual shares of its time.
STAGES = {
    "observe": 1.0,
    "condition": 8.0,
    "geometry": 35.0,
    "structure": 3.0,
    "coarse": 4.0,
    "refinement_condition": 7.0,
    "refinement": 25.0,
    "decode": 10.0,
    "finish": 6.0,
    "register": 1.0,
}
GAUSSIANS_STAGE = {"gaussians": 4.0}  # the last stage, where they were asked for


@dataclass(frozen=True, slots=True, eq=False)
class _Stage1:
    """What the geometry network says of an object."""

    logits: Tensor  # [1, 1, R, R, R] occupied above 0
    voxels: FittedVoxels
    T_cam_canonical: Sim3  # as predicted


@dataclass(frozen=True, slots=True, eq=False)
class Completion:
    """One object of one frame. Everything is done once, by `run`."""

    chain: Chain
    settings: Sam3dSettings
    frame: PreparedFrame
    observation: Observation
    stages: Stages

    def run(self) -> Reconstruction | Rejection:
        """The finished object, or why it is not accepted; the coarse one is reported on the way.

        Raises EmptyStructureError, NoShapeError and PreprocessError where the model finds no shape or the mask has no
        extent, and Cancelled between stages and steps.
        """
        generator = self.chain.generator(self.settings.seed)
        stage1 = self._stage1(generator)
        coarse = self._coarse(stage1)
        slat = self._stage2(stage1.voxels.coords, generator)
        with self.stages.run("decode"):
            surface = self.chain.surface(slat)
        with self.stages.run("finish"):
            mesh = solid(lambda: canonical_mesh(surface, triangle_budget=self.settings.triangle_budget))
        with self.stages.run("register"):
            placement = self._placed(mesh, coarse.T_cam_canonical @ _unshrunk(stage1))
        if rejection := self.settings.gates.doubt(self._label, placement.registration.quality):
            return rejection
        gaussians = self._gaussians(slat, placement)
        return replace(reconstruction(self._label, placement, self.stages.latency_ms), gaussians=gaussians)

    def _placed(self, mesh: Mesh, T_cam_canonical: Sim3) -> Placement:
        """The finished mesh, settled as far as was asked for."""
        if self._mode is RegistrationMode.NONE:
            return self._placer.judge(mesh, T_cam_canonical)
        placement = self._placer.place(mesh, T_cam_canonical)
        return self._placer.lay(placement) if self._mode is RegistrationMode.SURFACE else placement

    @property
    def _mode(self) -> RegistrationMode:
        return self.settings.options.registration

    @property
    def _label(self) -> int:
        return self.observation.label

    @property
    def _placer(self) -> Placer:
        frame = self.frame.frame
        return Placer(self.observation, frame.camera, frame.pointmap[..., 2], self.settings.placing)

    def _stage1(self, generator: torch.Generator) -> _Stage1:
        with self.stages.run("condition"):
            inputs = self._inputs(self.chain.config.stage1_embedder)
            tokens = self.chain.condition(STAGE1_EMBEDDER, self.frame, inputs.by_name())
        with self.stages.run("geometry"):
            latents = self.chain.geometry(tokens, generator, self._on_step("geometry"))
        with self.stages.run("structure"):
            logits = self.chain.structure(latents[SHAPE])
            voxels = self.chain.voxels(logits, generator)
            poses = decode_poses(latents, inputs.pointmap_scale, inputs.pointmap_shift)
        return _Stage1(logits[0, 0], voxels, T_optical_canonical(poses))

    def _coarse(self, stage1: _Stage1) -> Placement:
        """The voxels' surface, settled against depth and reported."""
        with self.stages.run("coarse"):
            logits = stage1.logits.cpu().numpy()
            budget = min(self.settings.coarse_triangle_budget, self.settings.triangle_budget)
            surface = solid(lambda: voxel_surface(logits, self.observation, triangle_budget=budget))
            place = self._placer.judge if self._mode is RegistrationMode.NONE else self._placer.settle
            placement = place(surface, stage1.T_cam_canonical)
        self.stages.report("coarse", reconstruction(self._label, placement, self.stages.latency_ms, coarse=True))
        return placement

    def _stage2(self, coords: Tensor, generator: torch.Generator) -> SparseTensor:
        with self.stages.run("refinement_condition"):
            inputs = self._inputs(self.chain.config.stage2_embedder)
            tokens = self.chain.condition(STAGE2_EMBEDDER, self.frame, inputs.by_name())
        with self.stages.run("refinement"):
            return self.chain.refine(tokens, Voxels(coords), generator, self._on_step("refinement"))

    def _inputs(self, embedder: EmbedderConfig) -> ModelInputs:
        return self.frame.inputs(self._label, embedder.vit.image_size)

    def _on_step(self, stage: str) -> Callable[[int, int], None]:
        return lambda done, total: self.stages.step(stage, done, total)

    def _gaussians(self, slat: SparseTensor, placement: Placement) -> Gaussians | None:
        """In the object frame, where they were asked for and memory is not short."""
        per_voxel = self.settings.options.gaussians
        if not per_voxel or self.chain.alone:
            return None
        with self.stages.run("gaussians"):
            cloud = canonical_gaussians(self.chain.gaussians(slat, per_voxel))
            return cloud.transformed(placement.T_obj_canonical)


def stage_shares(options: ModelOptions) -> dict[str, float]:
    """The stages of an object in their order, with their usual shares of its time."""
    return STAGES | (GAUSSIANS_STAGE if options.gaussians else {})


def _unshrunk(stage1: _Stage1) -> Sim3:
    """From the cube in which the refined voxels lie to that of the coarse ones: they may have been shrunk."""
    factor, resolution = stage1.voxels.factor, stage1.logits.shape[-1]
    centre = (stage1.voxels.centre.cpu().numpy().astype(np.float64) + 0.5) / resolution - 0.5
    return Sim3(np.array([1.0, 0.0, 0.0, 0.0]), (1 - factor) * centre, float(factor))
