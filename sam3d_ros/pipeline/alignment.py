"""Gauss-Newton of robust point-to-plane ICP, and the covariance that follows from it.

The pose is disturbed as (t + dt, R exp(dr)) in the object frame: a point x = R'(p - t) moves by -dt - dr x x, so the
point-to-plane distance n.(x - q) has the derivative -[n, x x n]. Dividing the lever x by the object's radius gives all
six numbers the unit metre. (Chen and Medioni 1992; Low 2004 for the linearised step.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3
from .surface_model import SurfaceModel, VisibleSide

_ENOUGH_POINTS = 12
_DAMPING = 1e-3  # of the number of points; directions with less leverage keep the first pose


@dataclass(frozen=True, slots=True)
class AlignmentConfig:
    """Steps of the fit and what is assumed about noise.

    `correlation` multiplies the covariance: neighbouring depth readings err together (stereo matching windows,
    smoothing filters), so that N points weigh as N / correlation independent ones. `normal_error` is how well the
    directions of the mesh's surface are known: a motion that only such errors could show is treated as not observed.
    """

    max_iterations: int = 15
    max_distance: float = 0.05  # m, correspondences at the start
    min_distance: float = 0.004  # m, correspondences at the end, or three times the spread of the residuals
    step_tolerance: float = 5e-5  # m
    correlation: float = 4.0
    noise_floor: float = 3e-4  # m; depth cameras quantise, so a smaller residual is luck
    normal_error: float = 0.05  # rad


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """The settled pose with the points' distances from the visible surface."""

    T_cam_obj: SE3
    covariance: NDArray[np.float64]  # [6, 6] camera frame, see `Registration`
    residuals: NDArray[np.float64]  # [N] m, along the surface normal
    distances: NDArray[np.float64]  # [N] m, to the nearest visible sample, less its spacing
    iterations: int


@dataclass(slots=True, eq=False)
class _Match:
    """Points in the object frame with their nearest visible samples."""

    x: NDArray[np.float64]  # [N, 3]
    n: NDArray[np.float64]  # [N, 3]
    residuals: NDArray[np.float64]  # [N] along n
    aside: NDArray[np.float64]  # [N] along the surface, beyond the edge of the samples
    aside_direction: NDArray[np.float64]  # [N, 3]
    distances: NDArray[np.float64]  # [N]


def align(surface: SurfaceModel, T_cam_obj: SE3, p_cam: NDArray[np.float64], config: AlignmentConfig) -> Alignment:
    """Fit the pose to points [N, 3] in the optical frame; the first pose comes back where they are too few."""
    R, t = T_cam_obj.rotation, T_cam_obj.translation_xyz
    side = surface.visible_side(T_cam_obj)
    match = _match(surface, side, (p_cam - t) @ R)
    if len(p_cam) < _ENOUGH_POINTS:
        return Alignment(T_cam_obj, _prior(surface), match.residuals, match.distances, 0)
    reach = float(np.clip(3 * np.median(match.distances), config.min_distance, config.max_distance))
    iterations = 0
    while iterations < config.max_iterations:
        iterations += 1
        step = _step(surface, match, reach)
        t = t + R @ step[:3]
        R = R @ _rotation_of(step[3:])
        match = _match(surface, side, (p_cam - t) @ R)
        tight = _final_reach(match, config)
        length = float(np.linalg.norm(step[:3]) + np.linalg.norm(step[3:]) * surface.radius)
        if length < config.step_tolerance and reach <= tight:
            break
        reach = tight if length < 0.1 * reach else max(0.6 * reach, tight)
    covariance = _covariance(surface, match, reach, config)
    turn = np.kron(np.eye(2), R)
    pose = SE3.from_rotation(_orthonormal(R), t)
    return Alignment(pose, turn @ covariance @ turn.T, match.residuals, match.distances, iterations)


def _match(surface: SurfaceModel, side: VisibleSide, x: NDArray[np.float64]) -> _Match:
    _, index = side.tree.query(x)
    n = side.normals[index]
    offset = x - side.points[index]
    residuals = np.einsum("ij,ij->i", offset, n)
    along = offset - residuals[:, None] * n
    length = np.sqrt(np.einsum("ij,ij->i", along, along))
    # Between samples the surface goes on, so only what is farther than their spacing is off its edge.
    aside = np.maximum(length - 2 * surface.spacing, 0.0)
    direction = along / np.maximum(length, 1e-12)[:, None]
    return _Match(x, n, residuals, aside, direction, np.hypot(residuals, aside))


def _final_reach(match: _Match, config: AlignmentConfig) -> float:
    spread = 3 * 1.4826 * float(np.median(np.abs(match.residuals)))
    return float(np.clip(spread, config.min_distance, config.max_distance))


def _weights(match: _Match, reach: float) -> NDArray[np.float64]:
    """Tukey's biweight of the distance: 1 on the surface, 0 from `reach` on."""
    weights: NDArray[np.float64] = np.maximum(1 - (match.distances / reach) ** 2, 0.0) ** 2
    return weights


def _jacobian(match: _Match, direction: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Derivative [N, 6] of the distance along `direction`; rotations in radians times the radius."""
    x, d = match.x, direction
    lever = np.empty((len(x), 6))
    lever[:, :3] = d
    lever[:, 3] = x[:, 1] * d[:, 2] - x[:, 2] * d[:, 1]
    lever[:, 4] = x[:, 2] * d[:, 0] - x[:, 0] * d[:, 2]
    lever[:, 5] = x[:, 0] * d[:, 1] - x[:, 1] * d[:, 0]
    lever[:, 3:] /= radius
    return lever


def _step(surface: SurfaceModel, match: _Match, reach: float) -> NDArray[np.float64]:
    """Disturbance dt, dr of the object frame that reduces the weighted distances most."""
    weights = _weights(match, reach)
    J = _jacobian(match, match.n, surface.radius)
    weighted = J * weights[:, None]
    H, b = weighted.T @ J, weighted.T @ match.residuals
    off_edge = np.flatnonzero(match.aside * weights)
    if len(off_edge):
        J = _jacobian(match, match.aside_direction, surface.radius)[off_edge]
        weighted = J * weights[off_edge, None]
        H, b = H + weighted.T @ J, b + weighted.T @ match.aside[off_edge]
    H[np.diag_indices(6)] += _DAMPING * len(match.x)
    step: NDArray[np.float64] = np.linalg.solve(H, b)
    step[3:] /= surface.radius
    return step


def _covariance(surface: SurfaceModel, match: _Match, reach: float, config: AlignmentConfig) -> NDArray[np.float64]:
    """Of dt, dr in the object frame: sigma^2 (J'J)^-1 with the measured sigma, times the correlation.

    A direction whose leverage does not exceed the error of the normals carries no information; there the covariance is
    that of the prior: half the diameter, and one radian.
    """
    weights = _weights(match, reach)
    J = _jacobian(match, match.n, surface.radius)
    total = max(float(weights.sum()), 1e-9)
    variance = float(weights @ match.residuals**2) / total + config.noise_floor**2
    leverage, axes = np.linalg.eigh((J * weights[:, None]).T @ J)
    information = np.maximum(leverage - total * config.normal_error**2, 0.0) / (variance * config.correlation)
    unit = np.array([1.0] * 3 + [1 / surface.radius] * 3)
    prior = np.diag(unit**2 / np.diag(_prior(surface)))
    inverse = np.linalg.inv((axes * information) @ axes.T + prior)
    covariance: NDArray[np.float64] = inverse * np.outer(unit, unit)
    return covariance


def _prior(surface: SurfaceModel) -> NDArray[np.float64]:
    return np.diag([(surface.diameter / 2) ** 2] * 3 + [1.0] * 3)


def _rotation_of(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rodrigues' formula for a rotation vector [3]."""
    angle = float(np.linalg.norm(vector))
    K = np.array([[0, -vector[2], vector[1]], [vector[2], 0, -vector[0]], [-vector[1], vector[0], 0]])
    if angle < 1e-8:
        return np.eye(3) + K
    a, b = np.sin(angle) / angle, (1 - np.cos(angle)) / angle**2
    rotation: NDArray[np.float64] = np.eye(3) + a * K + b * (K @ K)
    return rotation


def _orthonormal(R: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest rotation, against the drift of repeated products."""
    u, _, vt = np.linalg.svd(R)
    nearest: NDArray[np.float64] = u @ vt
    return nearest
