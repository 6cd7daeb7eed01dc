"""The model's shape and pose, settled against the robot's own depth.

The model says in which direction an object looks and about how large it is; users report sizes that are off by a factor
of three, and things that stand on their heads. Size and half turns are therefore searched for: at each candidate the
mesh is registered to the depth, and the one counts best whose surface holds most of the depth points, whose outline
fills the mask, and which leaves the space free that the camera saw to be free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...geometry import SE3, Mesh, PinholeCamera, Sim3
from ..alignment import AlignmentConfig
from ..depth_deformation import lay_on_depth
from ..finish import centre_mesh
from ..observation import Observation
from ..registration import Registration, RegistrationConfig, register
from ..result import Reconstruction

_JUDGING = RegistrationConfig(alignment=AlignmentConfig(moves=False))
_TURNS = tuple(np.diag(signs) for signs in ([1.0, 1, 1], [1.0, -1, -1], [-1.0, 1, -1], [-1.0, -1, 1]))
_TRIM = 0.01  # share of the depth points that may stick out on either side


@dataclass(frozen=True, slots=True)
class PlacingConfig:
    """How the size is searched for: by factors that shrink from `first_factor` to `last_factor`.

    A half turn about one of the canonical axes is taken where its score is higher by the factor `turn_margin`.
    """

    first_factor: float = 1.5
    last_factor: float = 1.02
    max_fits: int = 30  # for each direction
    turn_margin: float = 1.05
    registration: RegistrationConfig = field(default_factory=lambda: RegistrationConfig(points=200, samples=800))


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """A mesh in its object frame, where it lies, and how large the canonical cube became."""

    mesh: Mesh  # object frame: metres, origin at the box centre
    registration: Registration
    T_cam_canonical: Sim3  # canonical cube [-0.5, 0.5]^3 (z up) to the camera optical frame

    @property
    def T_obj_canonical(self) -> Sim3:
        """Canonical cube to object frame."""
        return Sim3.from_se3(self.registration.T_cam_obj.inverse()) @ self.T_cam_canonical

    @property
    def agreement(self) -> float:
        """The score of the registration, 0-1; 0 where it is not known."""
        return float(np.nan_to_num(self.registration.quality.score))


@dataclass(frozen=True, slots=True, eq=False)
class Placer:
    """Places canonical surfaces of one object of one frame."""

    observation: Observation
    camera: PinholeCamera
    depth: NDArray[np.floating] | None = None  # [H, W] m, of the whole image: what hides the object, what is free
    config: PlacingConfig = field(default_factory=PlacingConfig)

    def place(self, canonical: Mesh, T_cam_canonical: Sim3, *, config: RegistrationConfig | None = None) -> Placement:
        """The surface of the canonical cube at the size of the given transform and registered to the depth."""
        vertices = canonical.vertices * np.float32(T_cam_canonical.scale)
        metric = Mesh(vertices, canonical.triangles, canonical.vertex_colors)
        mesh, T_cam_obj = centre_mesh(metric, T_cam_canonical.without_scale())
        registration = self._register(mesh, T_cam_obj, config)
        return Placement(mesh, registration, _canonical_pose(metric, registration.T_cam_obj, T_cam_canonical.scale))

    def judge(self, canonical: Mesh, T_cam_canonical: Sim3) -> Placement:
        """The surface exactly where the given transform puts it, with what depth and mask say of that."""
        return self.place(canonical, T_cam_canonical, config=_JUDGING)

    def lay(self, placement: Placement) -> Placement:
        """A placed mesh with its seen side laid onto the depth; pose and size stay."""
        mesh, T_cam_obj = laid_on_depth(placement.mesh, placement.registration.T_cam_obj, self.observation)
        registration = self._register(mesh, T_cam_obj, _JUDGING)
        return Placement(mesh, registration, placement.T_cam_canonical)

    def settle(self, canonical: Mesh, T_cam_canonical: Sim3) -> Placement:
        """The surface at the size and place that agree best with depth and mask, from the model's pose on.

        Also from that half turn of it which agrees best before sizes are searched for. Where nothing agrees the
        model's own size and pose come back, registered as well as they can be.
        """
        own, *others = (self._begin(canonical, _turned(T_cam_canonical, canonical, turn)) for turn in _TURNS)
        own, other = (self._resized(canonical, fit) for fit in (own, max(others, key=_agreement)))
        return other if other.agreement > self.config.turn_margin * own.agreement else own

    def _begin(self, canonical: Mesh, T_cam_canonical: Sim3) -> Placement:
        """At the size of the transform, or as large as the observed points spread."""
        starts = (T_cam_canonical, self._around_the_points(canonical, T_cam_canonical))
        return max((self._fit(canonical, start, 1.0) for start in starts), key=_agreement)

    def _resized(self, canonical: Mesh, best: Placement) -> Placement:
        """At the size that agrees best, by steps that get smaller where neither larger nor smaller is better."""
        factor, fits = self.config.first_factor, 0
        while factor > self.config.last_factor and fits < self.config.max_fits:
            other = max((self._fit(canonical, best.T_cam_canonical, f) for f in (factor, 1 / factor)), key=_agreement)
            fits += 2
            if other.agreement > best.agreement:
                best = other
            else:
                factor = factor**0.5
        return best

    def _register(self, mesh: Mesh, T_cam_obj: SE3, config: RegistrationConfig | None) -> Registration:
        return register(mesh, T_cam_obj, self.observation, self.camera, depth=self.depth, config=config)

    def _fit(self, canonical: Mesh, T_cam_canonical: Sim3, factor: float) -> Placement:
        """Registered after growing by `factor` about the middle of the surface."""
        centre = canonical.box_centre.astype(np.float64)
        scale = factor * T_cam_canonical.scale
        rotated = T_cam_canonical.rotation @ (scale * centre)
        grown = Sim3(T_cam_canonical.quat_wxyz, T_cam_canonical.apply(centre) - rotated, scale)
        return self.place(canonical, grown, config=self.config.registration)

    def _around_the_points(self, canonical: Mesh, T_cam_canonical: Sim3) -> Sim3:
        """The model's direction, with the surface as large as the observed points spread, and around their middle."""
        points = self.observation.points
        spread = np.ptp(np.quantile(points, [_TRIM, 1 - _TRIM], axis=0), axis=0)
        scale = float(np.linalg.norm(spread) / np.linalg.norm(canonical.extents))
        centre = scale * (T_cam_canonical.rotation @ canonical.box_centre.astype(np.float64))
        return Sim3(T_cam_canonical.quat_wxyz, np.median(points, axis=0) - centre, scale)


def laid_on_depth(mesh: Mesh, T_cam_obj: SE3, observation: Observation) -> tuple[Mesh, SE3]:
    """The mesh with its seen side on the depth, in its object frame again: the middle of its box may have moved."""
    return centre_mesh(lay_on_depth(mesh, T_cam_obj, observation.points), T_cam_obj)


def reconstruction(
    label: int, placement: Placement, latency_ms: Mapping[str, float], *, coarse: bool = False
) -> Reconstruction:
    """The placed mesh as an answer."""
    return Reconstruction(
        label=label,
        mesh=placement.mesh,
        T_cam_obj=placement.registration.T_cam_obj,
        scale=placement.T_cam_canonical.scale,
        quality=placement.registration.quality,
        covariance=placement.registration.covariance,
        latency_ms=dict(latency_ms),
        coarse=coarse,
    )


def _turned(T_cam_canonical: Sim3, canonical: Mesh, R: NDArray[np.float64]) -> Sim3:
    """The transform after a rotation of the surface about the middle of its box."""
    centre = canonical.box_centre.astype(np.float64)
    return T_cam_canonical @ Sim3.from_se3(SE3.from_rotation(R, centre - R @ centre))


def _agreement(placement: Placement) -> float:
    return placement.agreement


def _canonical_pose(metric: Mesh, T_cam_obj: SE3, scale: float) -> Sim3:
    """The settled pose of the canonical cube, from that of the box centre of its metric mesh."""
    return Sim3(T_cam_obj.quat_wxyz, T_cam_obj.apply(-metric.box_centre.astype(np.float64)), scale)
