"""Robust point-to-plane ICP for many objects side by side: few samples lead to the poses and all of them settle them.

All arrays have an axis O of objects in front: NumPy's cost is per call, and a scene of ten objects needs no more calls
than one object does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..geometry.pose_batch import PoseBatch
from .gauss_newton import Moving, biweights, change_of, jacobian, solve
from .point_matching import ThinSides, match_all_samples
from .pose_uncertainty import Fit, UncertaintyConfig, covariances, prior_variance
from .surface_model import SurfaceModel, spread

Array = NDArray[np.float64]

_ENOUGH_POINTS = 12
_COARSE_STRIDE = 3  # the way to the pose is found on every third point, the last step is done on all
_SHRINKING = 0.8  # of the step before; what shrinks less is not on its way to anywhere


@dataclass(frozen=True, slots=True)
class AlignmentConfig:
    """Steps of the fit, and what is assumed about noise."""

    max_iterations: int = 8
    max_distance: float = 0.05  # m, correspondences at the start
    min_distance: float = 0.004  # m, correspondences at the end, or three times the spread of the residuals
    step_tolerance: float = 1e-3  # m, of the steps on a part of the points; one more follows on all of them
    moves: bool = True  # without, poses stay what they are and are judged alone
    uncertainty: UncertaintyConfig = field(default_factory=UncertaintyConfig)


@dataclass(frozen=True, slots=True, eq=False)
class AlignmentTask:
    """Meshes, their first poses and the depth points that they shall lie under, optical frame; at least one.

    The mask wants the origins `beside_xy` metres beside the first poses, and is trusted from 0 to 1.
    """

    surfaces: Sequence[SurfaceModel]
    T_cam_obj: PoseBatch
    p_cam: Sequence[Array]  # [N, 3] for each object
    beside_xy: Array  # [O, 2] along the camera's x and y
    trust: Array  # [O]

    def part(self, chosen: NDArray[np.int64]) -> AlignmentTask:
        """Some of the objects."""
        surfaces, p_cam = ([parts[i] for i in chosen.tolist()] for parts in (self.surfaces, self.p_cam))
        return AlignmentTask(surfaces, self.T_cam_obj[chosen], p_cam, self.beside_xy[chosen], self.trust[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Alignments:
    """The settled poses with the points' distances from the visible surfaces."""

    T_cam_obj: PoseBatch
    covariances: Array  # [O, 6, 6] camera frame, see `Registration`
    residuals: Array  # [O, P] m, along the surface normals
    distances: Array  # [O, P] m, from the visible surfaces, edges included; Inf where the points are too few


def align_all(task: AlignmentTask, config: AlignmentConfig, *, points: int) -> Alignments:
    """Fit each pose to `points` of its depth points; the first pose comes back where they are too few."""
    enough = np.array([len(p_cam) >= _ENOUGH_POINTS for p_cam in task.p_cam])
    if enough.all():
        return _settle(task, config, points)
    answer = _unsettled(task, points)
    if enough.any():
        solved = _settle(task.part(np.flatnonzero(enough)), config, points)
        for whole, part in zip(_arrays(answer), _arrays(solved), strict=True):
            whole[enough] = part
    return answer


def _arrays(answer: Alignments) -> tuple[Array, ...]:
    poses = answer.T_cam_obj
    return (poses.rotation, poses.translation_xyz, answer.covariances, answer.residuals, answer.distances)


def _unsettled(task: AlignmentTask, points: int) -> Alignments:
    """The first poses, of which nothing is known."""
    first, far = task.T_cam_obj, np.full((len(task.surfaces), points), np.inf)
    unknown = prior_variance(_of_each(task, "diameter"))[:, :, None] * np.eye(6)
    return Alignments(PoseBatch(first.rotation.copy(), first.translation_xyz.copy()), unknown, far, far.copy())


def _settle(task: AlignmentTask, config: AlignmentConfig, points: int) -> Alignments:
    p_obj_camera = task.T_cam_obj.origins()
    sides = [surface.visible_side(p_obj) for surface, p_obj in zip(task.surfaces, p_obj_camera, strict=True)]
    moving = _moving(task, points, config.moves)
    reach = _approach(moving, ThinSides.of(sides), config)
    match = match_all_samples(moving.in_objects(), sides, _of_each(task, "spacing"))
    weights, J = biweights(match, reach), jacobian(match, moving.radius)
    step = solve(moving, match, weights, J) if config.moves else np.zeros((len(sides), 6))
    residuals = match.residuals - change_of(J, step)
    moving.move(step)
    fit = Fit(
        R=moving.R,
        J=J,
        residuals=residuals,
        weights=weights,
        share=np.array([min(1.0, len(p_cam) / points) for p_cam in task.p_cam]),
        radius=moving.radius,
        diameter=_of_each(task, "diameter"),
        trust=moving.trust,
    )
    poses = PoseBatch(moving.R, moving.t)
    return Alignments(poses, covariances(fit, config.uncertainty), residuals, np.hypot(residuals, match.aside))


def _of_each(task: AlignmentTask, size: str) -> Array:
    return np.array([getattr(surface, size) for surface in task.surfaces])


def _moving(task: AlignmentTask, points: int, moves: bool) -> Moving:
    """The objects at their first poses, moved sideways as the mask wants it; those with fewer points repeat them."""
    p = [p_cam if len(p_cam) == points else p_cam[spread(len(p_cam), points)] for p_cam in task.p_cam]
    t = task.T_cam_obj.translation_xyz.copy()
    goal_xy = t[:, :2] + task.beside_xy
    if moves:
        t[:, :2] += task.trust[:, None] * task.beside_xy
    return Moving(
        p=np.ascontiguousarray(np.array(p).transpose(0, 2, 1)),
        R=task.T_cam_obj.rotation.copy(),
        t=t,
        radius=_of_each(task, "radius"),
        goal_xy=goal_xy,
        trust=task.trust,
    )


def _approach(moving: Moving, thin: ThinSides, config: AlignmentConfig) -> Array:
    """Move the objects close to the solution; returns the distance [O] up to which points count at the end."""
    coarse = replace(moving, p=np.ascontiguousarray(moving.p[:, :, ::_COARSE_STRIDE]))
    active, last = np.arange(len(moving.t)), np.full(len(moving.t), np.inf)
    match = thin.match(coarse.in_objects())
    reach = np.clip(3 * _medians(match.distances), config.min_distance, config.max_distance)
    for _ in range(config.max_iterations if config.moves else 0):
        J = jacobian(match, coarse.radius)
        step = solve(coarse, match, biweights(match, reach[active]), J)
        coarse.move(step)
        moving.R[active], moving.t[active] = coarse.R, coarse.t
        length = np.sqrt(np.einsum("oi,oi->o", step, step))
        reach[active] = _narrowed(reach[active], length, match.residuals - change_of(J, step), config)
        going = _going(length, last, config)
        if not going.any():
            break
        if not going.all():
            active, coarse, thin = active[going], coarse.part(going), thin.part(going)
        last = length[going]
        match = thin.match(coarse.in_objects())
    return reach


def _going(length: Array, last: Array, config: AlignmentConfig) -> NDArray[np.bool_]:
    """Whether further steps bring anything: not once they are short, or small and no shorter than the one before.

    The latter go to and fro between two sets of nearest samples.
    """
    going: NDArray[np.bool_] = (length >= config.step_tolerance) & (
        (length < _SHRINKING * last) | (length >= config.min_distance)
    )
    return going


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
