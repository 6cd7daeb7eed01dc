"""Settling the pose of a mesh against measured depth: robust point-to-plane ICP with an honest covariance."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3, Mesh, PinholeCamera
from .alignment import Alignment, AlignmentConfig, align
from .observation import Observation
from .result import Quality
from .surface_model import Box, SurfaceModel


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
    config: RegistrationConfig | None = None,
) -> Registration:
    """Move the mesh from a first pose onto the observed points, optical frame. See `RegistrationTarget.register`."""
    config = config or RegistrationConfig()
    u, v = observation.pixels.min(axis=0), observation.pixels.max(axis=0)
    target = RegistrationTarget(mesh, config)
    return target.register(
        observation.points, T_cam_obj, camera, labels=observation.mask, label=1, box=(u[0], u[1], v[0], v[1])
    )


class RegistrationTarget:
    """A mesh that is registered again and again; keep one for each mesh."""

    def __init__(self, mesh: Mesh, config: RegistrationConfig | None = None) -> None:
        self.config = config or RegistrationConfig()
        self.surface = SurfaceModel(mesh, samples=self.config.samples)

    def register(
        self,
        p_cam: NDArray[np.floating],
        T_cam_obj: SE3,
        camera: PinholeCamera,
        *,
        labels: NDArray[np.generic],
        label: int,
        box: Box,
    ) -> Registration:
        """Settle the pose against depth points [N, 3] of the optical frame, and say how well it sits.

        `labels` is the label image or mask [H, W] in which `label` marks the object, `box` encloses its pixels
        (u_min, v_min, u_max, v_max). Where the points are too few to say anything, the first pose comes back with the
        covariance of not knowing.
        """
        points = thinned(np.asarray(p_cam, np.float64), self.config.points)
        alignment = align(self.surface, T_cam_obj, points, self.config.alignment)
        iou = self.surface.silhouette_iou(alignment.T_cam_obj, camera, labels, label=label, box=box)
        return Registration(alignment.T_cam_obj, alignment.covariance, self._quality(alignment, iou, len(p_cam)))

    def inlier_distance(self, depth: float) -> float:
        """How far a point at this depth may be from the mesh to count as lying on it, metres."""
        config = self.config
        share = config.inlier_fraction * self.surface.diameter
        return float(np.clip(share, config.min_inlier_distance, config.max_inlier_distance)) + (
            config.depth_noise * depth * depth
        )

    def _quality(self, alignment: Alignment, iou: float, count: int) -> Quality:
        limit = self.inlier_distance(float(alignment.T_cam_obj.translation_xyz[2]))
        inliers = alignment.distances <= limit
        used = alignment.residuals[inliers]
        return Quality(
            residual_rms=float(np.sqrt(np.mean(used**2))) if len(used) else float("nan"),
            inlier_ratio=float(inliers.mean()) if len(inliers) else 0.0,
            mask_iou=iou,
            depth_points=count,
        )


def thinned(points: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """At most `count` of the points, evenly over their order."""
    if len(points) <= count:
        return points
    return points[np.linspace(0, len(points) - 1, count).astype(np.int64)]
