"""What becomes of a planned grasp on the true objects."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scanned_scenes import BenchScene

from sam3d_ros.geometry import Mesh
from sam3d_ros.geometry.grasp_closing import close_jaws
from sam3d_ros.geometry.grasp_planning import Surroundings, find_collisions
from sam3d_ros.geometry.gripper import Grasps, Gripper
from sam3d_ros.geometry.plane import Plane
from sam3d_ros.geometry.sampling import sample_surface

_SAMPLES = 20_000  # points on each true surface: 2 to 3 mm apart


class Outcome(Enum):
    """What becomes of a grasp; the first reason that applies, in this order."""

    TABLE = "hits the table"
    OTHER = "hits another object"
    TOO_WIDE = "too wide"
    OBJECT = "hits the object"
    MISSES = "misses"
    SLIPS = "not antipodal"
    HOLDS = "holds"


@dataclass(frozen=True, slots=True, eq=False)
class TrueScene:
    """All true surfaces of a scene in the camera optical frame, and its table."""

    meshes: dict[int, Mesh]  # by label
    points: dict[int, NDArray[np.float64]]  # [N, 3] by label; those of objects nobody asks for are negative
    table: Plane

    @staticmethod
    def of(scene: BenchScene) -> TrueScene:
        meshes = {item.label: item.mesh.transformed(item.T_cam_obj) for item in scene.truth}
        standing = meshes | {-k - 1: mesh for k, mesh in enumerate(scene.unasked)}
        points = {label: sample_surface(mesh, _SAMPLES, seed=0).points for label, mesh in standing.items()}
        up = scene.T_cam_world.rotation[:, 2]
        return TrueScene(meshes, points, Plane.from_point(scene.T_cam_world.translation_xyz, up))

    def around(self, label: int) -> Surroundings:
        """What stands around an object."""
        others = [points for other, points in self.points.items() if other != label]
        return Surroundings(self.points[label], np.concatenate([*others, np.zeros((0, 3))]), self.table)


def judge(grasps: Grasps, gripper: Gripper, scene: TrueScene, label: int) -> tuple[Outcome, ...]:
    """What becomes of each grasp when the open hand comes along its approach and closes on the true object.

    The hand may touch, but nothing may be inside it; nothing moves before both pads are in contact.
    """
    hits = find_collisions(grasps, gripper, scene.around(label), clearance=0.0)
    closing = close_jaws(grasps, gripper, scene.meshes[label])
    wide = hits.own & closing.embedded
    reasons = (hits.table, hits.others, wide, hits.own, ~closing.touches, ~closing.holds())
    outcomes = list(Outcome)
    chosen = np.stack([*reasons, np.ones(len(grasps), np.bool_)]).argmax(axis=0)
    return tuple(outcomes[number] for number in chosen)
