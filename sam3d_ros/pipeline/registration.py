"""Settling the pose of a mesh against measured depth: robust point-to-plane ICP with an honest covariance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3, Mesh, PinholeCamera
from ..geometry.pose_batch import PoseBatch
from .alignment import AlignmentConfig, Alignments, AlignmentTask, align_all
from .observation import Observation
from .result import Quality
from .silhouette import (
    Outlines,
    Sight,
    Silhouettes,
    View,
    compare_silhouettes,
    moved_ious,
    moved_rays,
    seen_through,
)
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
    depth: NDArray[np.floating] | None = None,
    config: RegistrationConfig | None = None,
) -> Registration:
    """Move the mesh from a first pose onto the observed points, optical frame, and say how well it sits.

    `depth` [H, W], metres, is that of the whole image: it says what hides the object, and through which parts of the
    mesh the camera saw. Where the points are too few to say anything, the first pose comes back with the covariance of
    not knowing.
    """
    config = config or RegistrationConfig()
    low, high = observation.pixels.min(axis=0), observation.pixels.max(axis=0)
    sight = Sight(observation.points, 1, (int(low[0]), int(low[1]), int(high[0]), int(high[1])))
    job = RegistrationTarget(mesh, config), sight
    settled = register_all([job], PoseBatch.of([T_cam_obj]), View(observation.mask, camera, depth), config)
    return Registration(settled.T_cam_obj.poses()[0], settled.covariances[0], settled.qualities[0])


@dataclass(frozen=True, slots=True, eq=False)
class Registrations:
    """Settled poses side by side; see `Registration`."""

    T_cam_obj: PoseBatch
    covariances: NDArray[np.float64]  # [O, 6, 6]
    qualities: list[Quality]


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


Shares = NDArray[np.float64]  # [O] 0-1, NaN where there is nothing to have a share of
Job = tuple[RegistrationTarget, Sight]  # mesh, and what is seen of it


def register_all(jobs: Sequence[Job], first: PoseBatch, view: View, config: RegistrationConfig) -> Registrations:
    """Settle the poses of at least one job side by side, which takes far less time than one after the other."""
    outlines = Outlines.of([target.surface for target, _ in jobs], first, [sight for _, sight in jobs])
    silhouettes = compare_silhouettes(outlines, view)
    p_cam = [sight.points for _, sight in jobs]
    task = AlignmentTask(outlines.surfaces, first, p_cam, silhouettes.beside_xy, silhouettes.trust)
    alignments = align_all(task, config.alignment, points=min(max(map(len, p_cam)), config.points))
    depth = alignments.T_cam_obj.translation_xyz[:, 2].tolist()
    limits = np.array([target.inlier_distance(z) for (target, _), z in zip(jobs, depth, strict=True)])
    images = _settled_images(outlines, silhouettes, alignments.T_cam_obj, view, limits)
    return Registrations(alignments.T_cam_obj, alignments.covariances, _qualities(jobs, alignments, images, limits))


def _qualities(
    jobs: Sequence[Job], alignments: Alignments, images: tuple[Shares, Shares], limits: NDArray[np.float64]
) -> list[Quality]:
    """`images` are overlaps and what was seen through, `limits` what counts as lying on the mesh."""
    inliers = alignments.distances <= limits[:, None]
    counts = np.count_nonzero(inliers, axis=1)
    residuals = np.where(inliers, alignments.residuals, 0.0)
    with np.errstate(invalid="ignore"):  # NaN without inliers
        rms = np.sqrt(np.einsum("op,op->o", residuals, residuals) / counts)
    ratios = counts / max(inliers.shape[1], 1)
    counted = (len(sight.points) for _, sight in jobs)
    figures = zip(rms.tolist(), ratios.tolist(), *(shares.tolist() for shares in images), counted, strict=True)
    return [Quality(*five) for five in figures]


def _settled_images(
    outlines: Outlines, first: Silhouettes, settled: PoseBatch, view: View, limits: NDArray[np.float64]
) -> tuple[Shares, Shares]:
    """Overlaps [O] of outline and mask at the settled poses, and shares [O] of the meshes that were seen through.

    Rays are cast again only where the mesh shows another side.
    """
    same = _same_side(outlines, settled, view.camera)
    p_first = outlines.T_cam_obj.translation_xyz
    p_same = np.where(same[:, None], settled.translation_xyz, p_first)
    ious = moved_ious(first, outlines, p_same, view)
    through = seen_through(moved_rays(first, outlines, p_same, view.camera), len(outlines), view, limits)
    changed = np.flatnonzero(~same)
    if len(changed):
        anew = compare_silhouettes(outlines.part(changed, settled), view)
        ious, through = ious.copy(), through.copy()
        ious[changed] = anew.iou
        through[changed] = seen_through(anew.rays, len(changed), view, limits[changed])
    return ious, through


def _same_side(outlines: Outlines, settled: PoseBatch, camera: PinholeCamera) -> NDArray[np.bool_]:
    """Whether what a turn away from the first pose [O] brings to light is narrower than `_NEW_SIDE_PX`."""
    first = outlines.T_cam_obj
    radius = np.array([surface.diameter for surface in outlines.surfaces]) / 2
    z_first, z = first.translation_xyz[:, 2], settled.translation_xyz[:, 2]
    in_front = np.minimum(z_first, z) > radius
    # The norm of the difference of two rotations is the square root of two times the small angle between them.
    turned = _lengths((first.rotation - settled.rotation).reshape(-1, 9)) * math.sqrt(0.5)
    passed = _lengths(first.translation_xyz / z_first[:, None] - settled.translation_xyz / z[:, None])
    near = np.abs(z_first - z) < _SAME_DISTANCE * z
    same: NDArray[np.bool_] = (turned + passed) * radius * max(camera.fx, camera.fy) < _NEW_SIDE_PX * z
    return same & near & in_front


def _lengths(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.sqrt(np.einsum("oi,oi->o", rows, rows))
    return lengths
