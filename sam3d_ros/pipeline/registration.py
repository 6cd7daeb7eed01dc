"""Settling the pose of a mesh against measured depth: robust point-to-plane ICP with an honest covariance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3, Mesh, PinholeCamera
from .alignment import Alignment, AlignmentConfig, AlignmentProblem, align_all
from .observation import Observation
from .result import Quality
from .silhouette import Outline, Sight, Silhouette, compare_silhouettes, moved_iou
from .surface_model import SurfaceModel

_NEW_SIDE_PX = 2.0
_SAME_DISTANCE = 0.1  # relative


@dataclass(frozen=True, slots=True)
class RegistrationConfig:
    """How hard the fit tries, and what counts as lying on the mesh.

    A depth point lies on the mesh where its distance is below `inlier_fraction` of the object's diagonal, kept between
    `min_inlier_distance` and `max_inlier_distance`, plus the growth of depth noise with the square of the distance.
    """

    points: int = 400  # depth points that take part, spread evenly over the mask
    samples: int = 1500  # points on the surface of the mesh
    inlier_fraction: float = 0.04
    min_inlier_distance: float = 0.005  # m
    max_inlier_distance: float = 0.015  # m
    depth_noise: float = 0.0015  # m at 1 m; grows with the square (structured light and stereo alike)
    alignment: AlignmentConfig = field(default_factory=AlignmentConfig)


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """A settled pose. The covariance holds x y z and rotation about x y z.

    Convention: the true pose is (t + dt, exp(dr) R) for small dt, dr along and about the fixed axes of the camera
    optical frame, turning about the object's origin, as geometry_msgs/PoseWithCovariance has it.
    """

    T_cam_obj: SE3
    covariance: NDArray[np.float64]  # [6, 6] camera optical frame
    quality: Quality


def register(
    mesh: Mesh,
    T_cam_obj: SE3,
    observation: Observation,
    camera: PinholeCamera,
    *,
    config: RegistrationConfig | None = None,
) -> Registration:
    """Move the mesh from a first pose onto the observed points, optical frame, and say how well it sits.

    Where the points are too few to say anything, the first pose comes back with the covariance of not knowing.
    """
    config = config or RegistrationConfig()
    low, high = observation.pixels.min(axis=0), observation.pixels.max(axis=0)
    sight = Sight(observation.points, observation.mask, 1, (int(low[0]), int(low[1]), int(high[0]), int(high[1])))
    return register_all([(RegistrationTarget(mesh, config), T_cam_obj, sight)], camera, config)[0]


class RegistrationTarget:
    """A mesh that is registered again and again; keep one for each mesh."""

    def __init__(self, mesh: Mesh, config: RegistrationConfig | None = None) -> None:
        self.config = config or RegistrationConfig()
        self.surface = SurfaceModel(mesh, samples=self.config.samples)

    def inlier_distance(self, depth: float) -> float:
        """How far a point at this depth may be from the mesh to count as lying on it, metres."""
        config = self.config
        share = config.inlier_fraction * self.surface.diameter
        limit = min(max(share, config.min_inlier_distance), config.max_inlier_distance)
        return limit + config.depth_noise * depth * depth


Job = tuple[RegistrationTarget, SE3, Sight]  # mesh, first pose T_cam_obj, what is seen of it


def register_all(jobs: Sequence[Job], camera: PinholeCamera, config: RegistrationConfig) -> list[Registration]:
    """Settle many poses `T_cam_obj` side by side, which takes far less time than one after the other."""
    outlines = [Outline(target.surface, pose, sight) for target, pose, sight in jobs]
    first = compare_silhouettes(outlines, camera)
    problems = [
        AlignmentProblem(target.surface, pose, sight.points, silhouette)
        for (target, pose, sight), silhouette in zip(jobs, first, strict=True)
    ]
    most = max((len(problem.p_cam) for problem in problems), default=0)
    alignments = align_all(problems, config.alignment, points=min(most, config.points))
    ious = _settled_ious(outlines, first, [alignment.T_cam_obj for alignment in alignments], camera)
    return [
        Registration(alignment.T_cam_obj, alignment.covariance, _quality(job, alignment, mask_iou=iou))
        for job, alignment, iou in zip(jobs, alignments, ious, strict=True)
    ]


def _quality(job: Job, alignment: Alignment, *, mask_iou: float) -> Quality:
    target, _, sight = job
    inliers = alignment.distances <= target.inlier_distance(float(alignment.T_cam_obj.translation_xyz[2]))
    used = alignment.residuals[inliers]
    return Quality(
        residual_rms=math.sqrt(float(used @ used) / len(used)) if len(used) else float("nan"),
        inlier_ratio=len(used) / len(inliers) if len(inliers) else 0.0,
        mask_iou=mask_iou,
        depth_points=len(sight.points),
    )


def _settled_ious(
    outlines: Sequence[Outline], first: Sequence[Silhouette], poses: Sequence[SE3], camera: PinholeCamera
) -> list[float]:
    """Overlap of outline and mask at the settled poses; rays are cast again only where the mesh shows another side."""
    ious = [float("nan")] * len(outlines)
    changed = []
    for i, (outline, before, pose) in enumerate(zip(outlines, first, poses, strict=True)):
        if _same_side(outline, pose, camera):
            ious[i] = moved_iou(before, outline, pose, camera)
        else:
            changed.append(i)
    again = [Outline(outlines[i].surface, poses[i], outlines[i].sight) for i in changed]
    for i, silhouette in zip(changed, compare_silhouettes(again, camera), strict=True):
        ious[i] = silhouette.iou
    return ious


def _same_side(outline: Outline, pose: SE3, camera: PinholeCamera) -> bool:
    """Whether what a turn away from the first pose brings to light is narrower than `_NEW_SIDE_PX`."""
    first, radius = outline.T_cam_obj, outline.surface.diameter / 2
    z_first, z = float(first.translation_xyz[2]), float(pose.translation_xyz[2])
    if min(z_first, z) <= radius:
        return False
    change = first.quat_wxyz - pose.quat_wxyz * math.copysign(1.0, float(first.quat_wxyz @ pose.quat_wxyz))
    turn = 2 * math.sqrt(float(change @ change)) + math.dist(first.translation_xyz / z_first, pose.translation_xyz / z)
    near = abs(z_first - z) < _SAME_DISTANCE * z
    return near and turn * radius * max(camera.fx, camera.fy) < _NEW_SIDE_PX * z
