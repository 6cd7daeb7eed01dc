"""One object's walk through a model whose cube is aligned with the view: all that is predicted is placed by depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from ...geometry import Mesh
from ...geometry.gaussians import Gaussians
from ...model.config import FieldConfig
from ...model.preprocess.object_view import ObjectViews
from ...model.refinement import refined_voxels, voxel_features
from ...model.structure import SHAPE, StructureFields, reconciled
from ...model.view_pose import ViewPoses, decode_view_poses
from ..finish import finish_shape
from ..model_options import ModelOptions, RegistrationMode
from ..observation import Observation
from ..result import Reconstruction, Rejection, RejectionReason
from ..stages import Stages
from .chain import STAGE1_EMBEDDER, STAGE2_EMBEDDER, Chain
from .completion import GAUSSIANS_STAGE
from .decoding import NoShapeError, canonical_gaussians, solid
from .placing import Placement, laid_on_depth, reconstruction
from .settings import Sam3dSettings
from .view_colors import colored
from .view_frames import ViewFrame
from .view_placing import cube_pose, in_object_frame, judged
from .view_shapes import CubeShape, first_shape, refined_shape

_REFINING = {"refinement_condition": 7.0, "refinement": 25.0, "decode": 5.0}  # where stage 2 works as well
# The stages of an object in their order, with their usual shares of its time.
VIEW_STAGES = {
    "observe": 3.0,
    "condition": 20.0,
    "geometry": 40.0,
    "structure": 10.0,
    **_REFINING,
    "surface": 3.0,
    "finish": 12.0,
    "place": 8.0,
    "color": 4.0,
}


def view_stages(options: ModelOptions) -> dict[str, float]:
    """The stages that an object passes, with their usual shares of its time."""
    stages = {name: share for name, share in VIEW_STAGES.items() if options.second_stage or name not in _REFINING}
    return stages | (GAUSSIANS_STAGE if options.gaussians else {})


@dataclass(frozen=True, slots=True, eq=False)
class _Stage1:
    """What the geometry network and the structure decoder say of an object, reconciled with what was seen."""

    views: ObjectViews
    fields: StructureFields
    poses: ViewPoses


@dataclass(frozen=True, slots=True, eq=False)
class ViewCompletion:
    """One object of one frame. Everything is done once, by `run`."""

    chain: Chain
    settings: Sam3dSettings
    frame: ViewFrame
    observation: Observation
    stages: Stages

    def run(self) -> Reconstruction | Rejection:
        """The finished object, or why it is not accepted.

        Raises NoShapeError where the model finds no shape, LayoutError where it finds no frame for it, PreprocessError
        for an empty mask, and Cancelled between stages and steps.
        """
        generator = self.chain.generator(self.settings.seed)
        with self.stages.run("condition"):
            views = self.frame.views(self.observation, self.chain.config)
            if not bool(views.cubes.valid[0]):
                return self._unplaced()
            tokens = self.chain.condition(STAGE1_EMBEDDER, self.frame, views.inputs)
        with self.stages.run("geometry"):
            latents = self.chain.geometry(tokens, generator, self._on_step("geometry"), observed=views.observed)
        with self.stages.run("structure"):
            fields = reconciled(self.chain.fields(latents[SHAPE]), views.observed)
            stage1 = _Stage1(views, fields, decode_view_poses(latents))
        shape = self._refined(stage1, generator) if self.chain.refines else self._first(stage1)
        with self.stages.run("finish"):
            mesh = solid(lambda: finish_shape(shape.surface, triangle_budget=self.settings.triangle_budget))
        placement = self._place(mesh, shape, stage1)
        if rejection := self.settings.gates.doubt(self.observation.label, placement.registration.quality):
            return rejection
        gaussians = self._gaussians(shape, placement)
        return replace(reconstruction(self.observation.label, placement, self.stages.latency_ms), gaussians=gaussians)

    def _first(self, stage1: _Stage1) -> CubeShape:
        """The answer of weights without a second stage."""
        with self.stages.run("surface"):
            return first_shape(stage1.fields, stage1.views.observed)

    def _refined(self, stage1: _Stage1, generator: torch.Generator) -> CubeShape:
        """Structured latents in the voxels near the surface of stage 1, and what they say of it."""
        views, fields, resolution = stage1.views, stage1.fields, self.chain.config.refinement.resolution
        with self.stages.run("refinement_condition"):
            tokens = self.chain.condition(STAGE2_EMBEDDER, self.frame, views.inputs)
            field = self.chain.config.mesh.field or FieldConfig()
            voxels = refined_voxels(fields, views.observed, resolution, field.reach)
            if not len(voxels.coords):
                raise NoShapeError("the model found no surface under the mask")
            features = voxel_features(voxels, fields, views.cubes, views.crop)
        with self.stages.run("refinement"):
            on_step = self._on_step("refinement")
            slat = self.chain.refine(tokens, voxels, generator, on_step, features=features)
        with self.stages.run("decode"):
            cells = self.chain.cells(slat)
        with self.stages.run("surface"):
            shape = refined_shape(cells, voxels, fields, resolution, views.observed)
        return replace(shape, slat=slat)

    def _place(self, mesh: Mesh, shape: CubeShape, stage1: _Stage1) -> Placement:
        """The mesh in its object frame where it lies, with the colours of the frame and of the model."""
        frame = self.frame.frame
        with self.stages.run("place"):
            T_cam_cube = cube_pose(stage1.views.cubes)
            support = self.frame.support(self.observation)
            metric, T_cam_obj = in_object_frame(mesh, T_cam_cube, stage1.poses, support)
            if self.settings.options.registration is RegistrationMode.SURFACE:
                metric, T_cam_obj = laid_on_depth(metric, T_cam_obj, self.observation)
            placement = judged(metric, T_cam_obj, T_cam_cube, self.observation, frame)
        with self.stages.run("color"):
            voxel = T_cam_cube.scale / stage1.fields.logits.shape[-1]
            hidden = None if shape.paint is None else shape.paint(mesh.vertices)
            painted = colored(placement.mesh, T_cam_obj, frame, self.observation, voxel=voxel, hidden=hidden)
        return Placement(painted, placement.registration, placement.T_cam_canonical)

    def _gaussians(self, shape: CubeShape, placement: Placement) -> Gaussians | None:
        """In the object frame, where they were asked for and memory is not short."""
        per_voxel = self.settings.options.gaussians
        if not per_voxel or shape.slat is None or self.chain.alone:
            return None
        with self.stages.run("gaussians"):
            cloud = canonical_gaussians(self.chain.gaussians(shape.slat, per_voxel))
            return cloud.transformed(placement.T_obj_canonical)

    def _unplaced(self) -> Rejection:
        """Too little depth where the model looks, which is at every other pixel or fewer."""
        detail = f"{len(self.observation.points)} depth points are too few to place the cube of the shape by"
        return Rejection(self.observation.label, RejectionReason.TOO_FEW_DEPTH_POINTS, detail)

    def _on_step(self, stage: str) -> Callable[[int, int], None]:
        return lambda done, total: self.stages.step(stage, done, total)
