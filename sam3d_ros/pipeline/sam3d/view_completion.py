"""One object's walk through a model whose cube is aligned with the view: all that is predicted is placed by depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...geometry import Mesh
from ...model.preprocess.object_view import ObjectViews
from ...model.structure import SHAPE, StructureFields
from ...model.view_pose import ViewPoses, decode_view_poses
from ..finish import finish_shape
from ..observation import Observation
from ..result import Reconstruction, Rejection, RejectionReason
from ..stages import Stages
from .chain import STAGE1_EMBEDDER, Chain
from .cube_surface import cube_surface
from .decoding import solid
from .placing import Placement, doubt, reconstruction
from .settings import Sam3dSettings
from .view_colors import colored
from .view_frames import ViewFrame
from .view_placing import cube_pose, in_object_frame, settled

# The stages of an object in their order, with their usual shares of its time.
VIEW_STAGES = {
    "observe": 3.0,
    "condition": 20.0,
    "geometry": 40.0,
    "structure": 10.0,
    "surface": 3.0,
    "finish": 12.0,
    "place": 8.0,
    "color": 4.0,
}


@dataclass(frozen=True, slots=True, eq=False)
class _Stage1:
    """What the geometry network and the structure decoder say of an object."""

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
            stage1 = _Stage1(views, self.chain.fields(latents[SHAPE]), decode_view_poses(latents))
        with self.stages.run("surface"):
            surface = self._surface(stage1)
        with self.stages.run("finish"):
            mesh = solid(lambda: finish_shape(surface, triangle_budget=self.settings.triangle_budget))
        placement = self._place(mesh, stage1)
        if rejection := doubt(self.observation.label, placement, self.settings.min_inlier_ratio):
            return rejection
        return reconstruction(self.observation.label, placement, self.stages.latency_ms)

    def _surface(self, stage1: _Stage1) -> Mesh:
        """Closed surface in cube coordinates. Weights without a second stage answer with that of the first."""
        logits, distance = stage1.fields
        known = None if distance is None else distance[0, 0].cpu().numpy()
        return solid(lambda: cube_surface(logits[0, 0].cpu().numpy(), known))

    def _place(self, mesh: Mesh, stage1: _Stage1) -> Placement:
        """The mesh in its object frame where it lies, with the colours of the frame."""
        frame = self.frame.frame
        with self.stages.run("place"):
            T_cam_cube = cube_pose(stage1.views.cubes)
            metric, T_cam_obj = in_object_frame(mesh, T_cam_cube, stage1.poses)
            config = self.settings.placing.registration
            placement = settled(metric, T_cam_obj, T_cam_cube, self.observation, frame.camera, config)
        with self.stages.run("color"):
            voxel = T_cam_cube.scale / stage1.fields.logits.shape[-1]
            T_cam_obj = placement.registration.T_cam_obj
            painted = colored(placement.mesh, T_cam_obj, frame, self.observation, voxel=voxel)
        return Placement(painted, placement.registration, placement.T_cam_canonical)

    def _unplaced(self) -> Rejection:
        """Too little depth where the model looks, which is at every other pixel or fewer."""
        detail = f"{len(self.observation.points)} depth points are too few to place the cube of the shape by"
        return Rejection(self.observation.label, RejectionReason.TOO_FEW_DEPTH_POINTS, detail)

    def _on_step(self, stage: str) -> Callable[[int, int], None]:
        return lambda done, total: self.stages.step(stage, done, total)
