"""Gauss-Newton of robust point-to-plane ICP, for many objects side by side, and the covariance that follows from it.

The pose is disturbed as (t + dt, R exp(dr)) in the object frame: a point x = R'(p - t) moves by -dt - dr x x, so the
point-to-plane distance n.(x - q) has the derivative -[n, x x n]. Dividing the lever x by the object's radius gives all
six numbers the unit metre. (Chen and Medioni 1992; Low 2004 for the linearised step.) Depth says nothing of a motion
along a flat side, so the middle of the mask takes part: how far it lies beside the middle of the mesh, in the image.

All arrays have an axis O of objects in front: NumPy's cost is per call, and a scene of ten objects needs no more calls
than one object does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..geometry import SE3
from .silhouette import NO_SILHOUETTE, Silhouette
from .surface_model import SurfaceModel, VisibleSide, nearest_columns

Array = NDArray[np.float64]

_ENOUGH_POINTS = 12
_COARSE_STRIDE = 3  # the way to the pose is found on every third point, the last step is done on all
_SHRINKING = 0.8  # of the step before; what shrinks less is not on its way to anywhere
_MASK_WEIGHT = 0.05  # of the number of points: where depth speaks, it speaks louder
_DAMPING = 1e-3  # of the number of points; directions with less leverage keep the first pose


@dataclass(frozen=True, slots=True)
class AlignmentConfig:
    """Steps of the fit and what is assumed about noise.

    `correlation` multiplies the covariance: neighbouring depth readings err together (stereo matching windows,
    smoothing filters), so that N points weigh as N / correlation independent ones. `normal_error` is how well the
    directions of the mesh's surface are known: a motion that only such errors could show is treated as not observed.
    """

    max_iterations: int = 8
    max_distance: float = 0.05  # m, correspondences at the start
    min_distance: float = 0.004  # m, correspondences at the end, or three times the spread of the residuals
    step_tolerance: float = 1e-3  # m, of the steps on a part of the points; one more follows on all of them
    correlation: float = 4.0
    noise_floor: float = 3e-4  # m; depth cameras quantise, so a smaller residual is luck
    normal_error: float = 0.05  # rad
    mask_error: float = 0.003  # m, of the middle of a mask


@dataclass(frozen=True, slots=True, eq=False)
class AlignmentProblem:
    """A mesh, its first pose and the depth points that it shall lie under, optical frame."""

    surface: SurfaceModel
    T_cam_obj: SE3
    p_cam: Array  # [N, 3]
    silhouette: Silhouette = NO_SILHOUETTE  # at the first pose


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """The settled pose with the points' distances from the visible surface."""

    T_cam_obj: SE3
    covariance: Array  # [6, 6] camera frame, see `Registration`
    residuals: Array  # [N] m, along the surface normal
    distances: Array  # [N] m, from the visible surface, edges included


@dataclass(slots=True, eq=False)
class _Batch:
    """Objects that are moved together."""

    sides: list[VisibleSide]
    p: Array  # [O, P, 3] camera frame
    R: Array  # [O, 3, 3]
    t: Array  # [O, 3]
    radius: Array  # [O]
    spacing: Array  # [O]
    goal_xy: Array  # [O, 2] where the mask wants the origin, camera frame
    trust: Array  # [O] in the mask

    def part(self, going: NDArray[np.bool_]) -> _Batch:
        rest = (self.p, self.R, self.t, self.radius, self.spacing, self.goal_xy, self.trust)
        return _Batch([self.sides[i] for i in np.flatnonzero(going)], *(array[going] for array in rest))


@dataclass(slots=True, eq=False)
class _Thin:
    """Surfaces of the objects with few samples, which make one array."""

    table: Array  # [O, K, 6] points and normals
    lookup: NDArray[np.float32]  # [O, 4, K]
    spacing: Array  # [O]

    def part(self, going: NDArray[np.bool_]) -> _Thin:
        return _Thin(self.table[going], self.lookup[going], self.spacing[going])


@dataclass(slots=True, eq=False)
class _Match:
    """Points in the object frame with their nearest visible samples."""

    x: Array  # [O, P, 3]
    n: Array  # [O, P, 3]
    residuals: Array  # [O, P] along n
    aside: Array  # [O, P] along the surface, beyond the edge of the samples
    distances: Array  # [O, P] of both


def align(problem: AlignmentProblem, config: AlignmentConfig) -> Alignment:
    """Fit one pose; see `align_all`."""
    return align_all([problem], config, points=len(problem.p_cam))[0]


def align_all(problems: Sequence[AlignmentProblem], config: AlignmentConfig, *, points: int) -> list[Alignment]:
    """Fit each pose to `points` of its depth points; the first pose comes back where they are too few."""
    enough = [problem for problem in problems if len(problem.p_cam) >= _ENOUGH_POINTS]
    solved = iter(_solve(enough, config, points) if enough else [])
    return [next(solved) if len(problem.p_cam) >= _ENOUGH_POINTS else _unknown(problem) for problem in problems]


def _solve(problems: Sequence[AlignmentProblem], config: AlignmentConfig, points: int) -> list[Alignment]:
    batch = _batch(problems, points)
    reach = _approach(batch, config)
    match = _match(batch)
    weights = _weights(match, reach)
    J = _jacobian(match, batch.radius)
    step = _step(batch, match, weights, J)
    residuals = match.residuals - _times(J, step)
    distances = np.hypot(residuals, match.aside)
    batch.t, batch.R = _moved(batch, _metric(step, batch.radius))
    share = np.array([min(1.0, len(problem.p_cam) / points) for problem in problems])
    information = _information(J * np.sqrt(weights * share[:, None])[..., None], residuals, weights, config)
    across = batch.R[:, :2]
    information[:, :3, :3] += across.transpose(0, 2, 1) @ across * (batch.trust / config.mask_error**2)[:, None, None]
    covariances = _covariances(problems, batch.R, information)
    return [Alignment(*answer) for answer in zip(_poses(batch), covariances, residuals, distances, strict=True)]


def _batch(problems: Sequence[AlignmentProblem], points: int) -> _Batch:
    """The problems side by side; objects with fewer points repeat them."""
    return _Batch(
        sides=[problem.surface.visible_side(problem.T_cam_obj) for problem in problems],
        p=np.stack([problem.p_cam[_spread(len(problem.p_cam), points)] for problem in problems]),
        R=np.stack([problem.T_cam_obj.rotation for problem in problems]),
        t=np.stack([problem.T_cam_obj.translation_xyz for problem in problems]),
        radius=np.array([problem.surface.radius for problem in problems]),
        spacing=np.array([problem.surface.spacing for problem in problems]),
        goal_xy=np.stack(
            [problem.T_cam_obj.translation_xyz[:2] + problem.silhouette.beside_xy for problem in problems]
        ),
        trust=np.array([problem.silhouette.trust for problem in problems]),
    )


def _spread(available: int, wanted: int) -> NDArray[np.intp]:
    return np.arange(wanted) * available // wanted


def _approach(batch: _Batch, config: AlignmentConfig) -> Array:
    """Move the batch close to its solution; returns the distance [O] up to which points count at the end."""
    coarse, thin = replace(batch, p=batch.p[:, ::_COARSE_STRIDE]), _thin(batch.sides)
    active, last = np.arange(len(batch.t)), np.full(len(batch.t), np.inf)
    match = _thin_match(coarse, thin)
    reach = np.clip(3 * _medians(match.distances), config.min_distance, config.max_distance)
    for _ in range(config.max_iterations):
        J = _jacobian(match, coarse.radius)
        step = _step(coarse, match, _weights(match, reach[active]), J)
        coarse.t, coarse.R = _moved(coarse, _metric(step, coarse.radius))
        batch.t[active], batch.R[active] = coarse.t, coarse.R
        length = np.sqrt(np.einsum("oi,oi->o", step, step))
        reach[active] = _narrowed(reach[active], length, match.residuals - _times(J, step), config)
        going = _going(length, last, config)
        if not going.any():
            break
        active, coarse, thin, last = active[going], coarse.part(going), thin.part(going), length[going]
        match = _thin_match(coarse, thin)
    return reach


def _going(length: Array, last: Array, config: AlignmentConfig) -> NDArray[np.bool_]:
    """Whether further steps bring anything: not once they are short, or small and no shorter than the one before.

    The latter go to and fro between two sets of nearest samples.
    """
    going: NDArray[np.bool_] = (length >= config.step_tolerance) & (
        (length < _SHRINKING * last) | (length >= config.min_distance)
    )
    return going


def _times(J: Array, step: Array) -> Array:
    """What a step [O, 6] changes of the distances, [O, P]."""
    change: Array = (J @ step[..., None])[..., 0]
    return change


def _thin(sides: Sequence[VisibleSide]) -> _Thin:
    return _Thin(
        table=np.stack([side.thin.table for side in sides]),
        lookup=np.stack([side.thin.lookup for side in sides]),
        spacing=np.array([side.thin.spacing for side in sides]),
    )


def _thin_match(batch: _Batch, thin: _Thin) -> _Match:
    x = (batch.p - batch.t[:, None]) @ batch.R
    nearest = nearest_columns(x, thin.lookup)
    found = np.take_along_axis(thin.table, nearest[..., None], axis=1)
    return _matched(x, found[..., :3], found[..., 3:], thin.spacing)


def _match(batch: _Batch) -> _Match:
    x = (batch.p - batch.t[:, None]) @ batch.R
    q, n = np.empty_like(x), np.empty_like(x)
    for i, side in enumerate(batch.sides):
        index = side.nearest(x[i])
        q[i], n[i] = side.points[index], side.normals[index]
    return _matched(x, q, n, batch.spacing)


def _matched(x: Array, q: Array, n: Array, spacing: Array) -> _Match:
    offset = x - q
    residuals = np.einsum("opi,opi->op", offset, n)
    squares = np.einsum("opi,opi->op", offset, offset)
    along = np.sqrt(np.maximum(squares - residuals**2, 0.0))
    # Between samples the surface goes on, so only what is farther than their spacing is off its edge.
    aside = np.maximum(along - 2 * spacing[:, None], 0.0)
    return _Match(x, n, residuals, aside, np.sqrt(residuals**2 + aside**2))


def _medians(values: Array) -> Array:
    """Median of each row, the upper one of an even number; NumPy's own takes ten times as long for short rows."""
    half = values.shape[1] // 2
    medians: Array = np.partition(values, half, axis=1)[:, half]
    return medians


def _narrowed(reach: Array, length: Array, residuals: Array, config: AlignmentConfig) -> Array:
    """The distance [O] up to which points count from now on: steps that get short ask for closer ones."""
    tight = np.clip(3 * 1.4826 * _medians(np.abs(residuals)), config.min_distance, config.max_distance)
    narrowed: Array = np.where(length < 0.1 * reach, tight, np.maximum(0.6 * reach, tight))
    return narrowed


def _weights(match: _Match, reach: Array) -> Array:
    """Tukey's biweight of the distance: 1 on the surface, 0 from `reach` on."""
    weights: Array = np.maximum(1 - (match.distances / reach[:, None]) ** 2, 0.0) ** 2
    return weights


def _jacobian(match: _Match, radius: Array) -> Array:
    """Derivative [O, P, 6] of the distance along the normal; rotations in radians times the radius."""
    x, d = match.x / radius[:, None, None], match.n
    lever = np.empty((*x.shape[:2], 6))
    lever[..., :3] = d
    lever[..., 3] = x[..., 1] * d[..., 2] - x[..., 2] * d[..., 1]
    lever[..., 4] = x[..., 2] * d[..., 0] - x[..., 0] * d[..., 2]
    lever[..., 5] = x[..., 0] * d[..., 1] - x[..., 1] * d[..., 0]
    return lever


def _step(batch: _Batch, match: _Match, weights: Array, J: Array) -> Array:
    """Disturbance [O, 6] of the object frames, metres, that reduces the weighted distances most."""
    weighted = (J * weights[..., None]).transpose(0, 2, 1)
    H, b = weighted @ J, (weighted @ match.residuals[..., None])[..., 0]
    across = batch.R[:, :2]  # the camera's x and y in the object frame, [O, 2, 3]
    pull = _MASK_WEIGHT * weights.shape[1] * batch.trust[:, None, None] * across.transpose(0, 2, 1)
    H[:, :3, :3] += pull @ across
    b[:, :3] += (pull @ (batch.goal_xy - batch.t[:, :2])[..., None])[..., 0]
    H += _DAMPING * weights.shape[1] * np.eye(6)
    step: Array = np.linalg.solve(H, b[..., None])[..., 0]
    return step


def _metric(step: Array, radius: Array) -> Array:
    """The disturbance with its rotation in radians, [O, 6]."""
    return np.concatenate([step[:, :3], step[:, 3:] / radius[:, None]], axis=1)


def _moved(batch: _Batch, step: Array) -> tuple[Array, Array]:
    """Translations [O, 3] and rotations [O, 3, 3] after the disturbance."""
    t = batch.t + (batch.R @ step[:, :3, None])[..., 0]
    return t, batch.R @ _rotations_of(step[:, 3:])


def _information(J: Array, residuals: Array, weights: Array, config: AlignmentConfig) -> Array:
    """Information [O, 6, 6] of the disturbance in metres: J'J / sigma^2 with the measured sigma.

    A direction whose leverage does not exceed the error of the normals carries no information.
    """
    total = np.maximum(np.einsum("opi,opi->o", J[..., :3], J[..., :3]), 1e-9)
    spread = np.einsum("op,op->o", weights, residuals**2) / np.maximum(weights.sum(axis=1), 1e-9)
    variance = (spread + config.noise_floor**2) * config.correlation
    leverage, axes = np.linalg.eigh(J.transpose(0, 2, 1) @ J)
    information = np.maximum(leverage - (total * config.normal_error**2)[:, None], 0.0) / variance[:, None]
    seen: Array = (axes * information[:, None, :]) @ axes.transpose(0, 2, 1)
    return seen


def _covariances(problems: Sequence[AlignmentProblem], R: Array, information: Array) -> Array:
    """Covariances [O, 6, 6] along the camera's axes; where nothing was seen, those of the prior."""
    scale = np.ones((len(problems), 6))
    scale[:, 3:] /= np.array([problem.surface.radius for problem in problems])[:, None]
    prior = np.stack([_prior(problem.surface) for problem in problems])
    information = information + (scale**2 / prior)[:, :, None] * np.eye(6)
    covariance = np.linalg.inv(information) * (scale[:, :, None] * scale[:, None, :])
    turn = np.zeros((len(problems), 6, 6))
    turn[:, :3, :3] = turn[:, 3:, 3:] = R
    turned: Array = turn @ covariance @ turn.transpose(0, 2, 1)
    return turned


def _prior(surface: SurfaceModel) -> Array:
    """Variances [6] of not knowing where the object is, beyond that it is there: half its diameter, and one radian."""
    place = (surface.diameter / 2) ** 2
    return np.array([place, place, place, 1.0, 1.0, 1.0])


def _unknown(problem: AlignmentProblem) -> Alignment:
    far = np.full(len(problem.p_cam), np.inf)
    return Alignment(problem.T_cam_obj, np.diag(_prior(problem.surface)), far, far)


def _rotations_of(vectors: Array) -> Array:
    """Rodrigues' formula for rotation vectors [O, 3]."""
    square = np.maximum(np.einsum("oi,oi->o", vectors, vectors), 1e-24)[:, None, None]
    angle = np.sqrt(square)
    K = np.zeros((len(vectors), 3, 3))
    K[:, 2, 1], K[:, 0, 2], K[:, 1, 0] = vectors.T
    K -= K.transpose(0, 2, 1)
    rotations: Array = np.eye(3) + np.sin(angle) / angle * K + (1 - np.cos(angle)) / square * (K @ K)
    return rotations


def _poses(batch: _Batch) -> list[SE3]:
    """As transforms; SciPy takes the nearest rotation, against the drift of repeated products."""
    quats_wxyz = Rotation.from_matrix(batch.R).as_quat()[:, [3, 0, 1, 2]]
    return [SE3(quat, t) for quat, t in zip(quats_wxyz, batch.t, strict=True)]
