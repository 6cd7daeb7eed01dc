"""Completes objects by classical means; the baseline of the learned model and the choice where there are no weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...geometry import Mesh
from ...geometry.plane import Plane
from ..backend import CancelToken, Detail, ProgressCallback
from ..finish import finish_mesh
from ..frame import Frame
from ..object_frame import to_object_frame
from ..observation import Observation, observe
from ..registration import register
from ..result import Reconstruction, Rejection, RejectionReason
from ..stages import Stages
from ..support import Support, find_bottom, find_scene_plane, find_support
from .coarse import coarse_reconstruction
from .color import color_vertices
from .config import GeometricConfig
from .evidence import Evidence, gather_evidence
from .shape import Hypothesis, Resolution, extract_surface, make_hypothesis
from .stages import STAGES
from .symmetry import find_mirror_planes
from .visible import visible_points, without_support_rim

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PreparedFrame:
    """What the masks of a frame share."""

    frame: Frame
    plane: Plane | None  # the scene's support, camera optical frame


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """One object with all that the view says of it."""

    frame: Frame
    observation: Observation
    evidence: Evidence
    support: Support
    visible: Float64Array  # [N, 3] stand frame
    bottom: float


class GeometricBackend:
    """Visible surface, support plane and mirror symmetry in; closed coloured mesh out. Keeps nothing between frames."""

    name = "geometric"

    def __init__(self, config: GeometricConfig | None = None) -> None:
        self.config = config or GeometricConfig()

    def load(self) -> None:
        """Nothing to load: there are no weights."""

    def prepare(self, frame: Frame) -> PreparedFrame:
        """Find the support plane that all objects of the frame share."""
        plane = find_scene_plane(frame, distance=self.config.support_distance, seed=self.config.seed)
        return PreparedFrame(frame, plane)

    def reconstruct(
        self, prepared: PreparedFrame, label: int, *, detail: Detail, progress: ProgressCallback, cancel: CancelToken
    ) -> Reconstruction | Rejection:
        """One object, coarse first; the stages are those of `STAGES`."""
        stages = Stages(label, dict.fromkeys(STAGES, 1.0), progress=progress, cancel=cancel)
        with stages.run("observe"):
            observation = observe(prepared.frame, label, self.config.prepare)
        if isinstance(observation, Rejection):
            return observation
        with stages.run("support"):
            scene = self._look(prepared, observation)
        with stages.run("coarse"):
            coarse = coarse_reconstruction(
                observation, scene.visible, scene.support, bottom=scene.bottom, latency_ms=stages.latency_ms
            )
        if coarse is None:
            return _flat(label, len(observation.points))
        stages.report("coarse", coarse)
        with stages.run("symmetry"):
            hypothesis = self._suppose(scene)
        with stages.run("shape"):
            surface = extract_surface(hypothesis, scene.evidence, scene.support, self._resolution(detail))
        if surface is None:
            return _flat(label, len(observation.points))
        return self._finish(scene, hypothesis, surface, stages)

    def drop_caches(self) -> None:
        """Nothing to drop: nothing is kept between calls."""

    def unload(self) -> None:
        """Nothing to free."""

    def _look(self, prepared: PreparedFrame, observation: Observation) -> _Scene:
        frame = prepared.frame
        support = find_support(frame, observation, prepared.plane, distance=self.config.support_distance)
        observation = without_support_rim(observation, support)
        evidence = gather_evidence(frame, observation)
        visible = visible_points(observation, evidence, support)
        return _Scene(frame, observation, evidence, support, visible, find_bottom(frame, observation, support, visible))

    def _suppose(self, scene: _Scene) -> Hypothesis:
        rng = np.random.default_rng(self.config.seed)
        count = min(self.config.symmetry_points, len(scene.visible))
        some = scene.visible[rng.choice(len(scene.visible), count, replace=False)]
        planes = find_mirror_planes(
            some,
            lambda p_stand: scene.evidence.field(scene.support.T_cam_stand.apply(p_stand)),
            angle_step=self.config.symmetry_angle_step,
        )
        return make_hypothesis(
            scene.visible,
            planes,
            scene.evidence,
            scene.support,
            bottom=scene.bottom,
            max_violation=self.config.max_violation,
        )

    def _resolution(self, detail: Detail) -> Resolution:
        return Resolution(self.config.grid_cells(detail), self.config.min_cell, self.config.directions)

    def _finish(
        self, scene: _Scene, hypothesis: Hypothesis, surface: tuple[Float64Array, NDArray[np.int64]], stages: Stages
    ) -> Reconstruction | Rejection:
        with stages.run("finish"):
            grey = np.full((len(surface[0]), 3), 128, np.uint8)
            raw = Mesh(surface[0].astype(np.float32), surface[1].astype(np.int32), grey)
            mesh = finish_mesh(raw, triangle_budget=self.config.triangle_budget)
        with stages.run("color"):
            colors = color_vertices(
                mesh.vertices.astype(np.float64), scene.frame.color, scene.evidence, scene.support, hypothesis.mirrors
            )
            mesh = Mesh(mesh.vertices, mesh.triangles, colors)
        mesh, T_cam_obj = to_object_frame(mesh, scene.support)
        with stages.run("register"):
            frame = scene.frame
            depth = frame.pointmap[..., 2]
            registration = register(mesh, T_cam_obj, scene.observation, frame.camera, depth=depth)
        if rejection := self.config.gates.doubt(scene.observation.label, registration.quality):
            return rejection
        return Reconstruction(
            label=scene.observation.label,
            mesh=mesh,
            T_cam_obj=registration.T_cam_obj,
            scale=float(mesh.extents.max()),
            quality=registration.quality,
            covariance=registration.covariance,
            latency_ms=dict(stages.latency_ms),
        )


def _flat(label: int, count: int) -> Rejection:
    detail = f"the {count} depth points of the object span no volume above its support"
    return Rejection(label, RejectionReason.TOO_FEW_DEPTH_POINTS, detail)
