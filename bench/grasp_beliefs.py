"""The planners that the grasp benchmark compares: what each believes of a scene, and the grasps it plans there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from completion_methods import Answer, BackendMethod, Method, PointsMethod
from grasp_candidates import HAND, beside_seen, between_seen
from grasp_verdicts import TrueScene
from numpy.typing import NDArray

from sam3d_ros.geometry import Mesh
from sam3d_ros.geometry.grasp_planning import Surroundings, plan_on_mesh
from sam3d_ros.geometry.gripper import Grasps
from sam3d_ros.geometry.plane import Plane, fit_plane_ransac
from sam3d_ros.geometry.sampling import sample_surface
from sam3d_ros.pipeline import Frame
from sam3d_ros.pipeline.model_options import ModelOptions

Floats = NDArray[np.float64]

_SAMPLES = 3000  # points that stand for a believed surface
_TABLE_NOISE = 0.006  # m
TRUTH = "true mesh"


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The grasps that a planner has for an object, best first, and what it believed."""

    label: int
    grasps: Grasps | None  # None where the object was rejected
    belief: Answer
    milliseconds: float  # from the frame to the plan


@dataclass(frozen=True, slots=True, eq=False)
class Planner:
    """A way to see the scene and a way to plan on what is seen."""

    name: str
    method: Method
    on_points: Callable[[Floats, Surroundings, int], Grasps] | None = None  # None: on the mesh

    def plans(self, frame: Frame, labels: list[int], table: Plane, seed: int) -> list[Plan]:
        """Plans for all labels of a frame, each kept clear of everything that the method believes to be there."""
        answers = self.method.answer(frame, labels)
        surfaces = {answer.label: _surface(answer, frame, seed) for answer in answers}
        return [self._plan(answer, surfaces, table, seed) for answer in answers]

    def _plan(self, answer: Answer, surfaces: dict[int, Floats], table: Plane, seed: int) -> Plan:
        if answer.rejected:
            return Plan(answer.label, None, answer, answer.milliseconds)
        start = time.perf_counter()
        others = [surface for label, surface in surfaces.items() if label != answer.label]
        around = Surroundings(surfaces[answer.label], np.concatenate([*others, np.zeros((0, 3))]), table)
        if self.on_points and answer.points is not None:
            grasps = self.on_points(answer.points, around, seed)
        else:
            assert answer.mesh is not None
            grasps = plan_on_mesh(answer.mesh, HAND, around, seed=seed)
        return Plan(answer.label, grasps, answer, answer.milliseconds + 1e3 * (time.perf_counter() - start))


@dataclass(frozen=True, slots=True, eq=False)
class TruthMethod:
    """Answers with the true meshes of a scene: no completion can do better."""

    meshes: dict[int, Mesh]
    name: str = TRUTH

    def answer(self, frame: Frame, labels: list[int]) -> list[Answer]:
        return [Answer(label, mesh=self.meshes[label], milliseconds=0.0) for label in labels]


def make_planners(weights: Path | None) -> list[Planner]:
    """All planners but the one that knows the truth."""
    seen = PointsMethod("visible points", clean=True, hull=False)
    return [
        Planner("points, both contacts seen", seen, between_seen),
        Planner("points, fingers beside them", seen, beside_seen),
        Planner("hull of visible points", PointsMethod("hull", clean=True, hull=True)),
        Planner("geometric", BackendMethod("geometric", "geometric")),
        Planner("sam3d", BackendMethod("sam3d", "sam3d", ModelOptions(weights=weights))),
    ]


def truth_planner(scene: TrueScene) -> Planner:
    """The planner that knows the true meshes."""
    return Planner(TRUTH, TruthMethod(scene.meshes))


def seen_table(frame: Frame) -> Plane:
    """The plane that most depth outside the masks lies on, normal towards the camera; raises ValueError without one."""
    points = frame.pointmap[frame.labels == 0].astype(np.float64)
    found = fit_plane_ransac(points[np.isfinite(points).all(axis=1)], distance=_TABLE_NOISE)
    if found is None:
        raise ValueError("no plane in the depth outside the masks")
    return found.plane


def _surface(answer: Answer, frame: Frame, seed: int) -> Floats:
    """Points [N, 3] of what a method believes to be there; all depth in the mask where it rejects the object."""
    if answer.mesh is not None:
        return sample_surface(answer.mesh, _SAMPLES, seed).points
    points = answer.points
    if points is None:
        points = frame.pointmap[frame.labels == answer.label].astype(np.float64)
        points = points[np.isfinite(points).all(axis=1)]
    return points[np.random.default_rng(seed).permutation(len(points))[:_SAMPLES]]
