"""How well a pose is known after it was fitted to depth: covariances that follow from the fit, for many objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_DIAGONAL = np.eye(6)


@dataclass(frozen=True, slots=True)
class UncertaintyConfig:
    """What is assumed about noise.

    `correlation` multiplies the covariance: neighbouring depth readings err together (stereo matching windows,
    smoothing filters), so that N points weigh as N / correlation independent ones. `normal_error` is how well the
    directions of the mesh's surface are known: a motion that only such errors could show is treated as not observed.
    """

    correlation: float = 4.0
    noise_floor: float = 3e-4  # m; depth cameras quantise, so a smaller residual is luck
    normal_error: float = 0.05  # rad
    mask_error: float = 0.003  # m, of the middle of a mask


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What the last step of a fit knew: a derivative of distances as `gauss_newton.jacobian` gives it."""

    R: Array  # [O, 3, 3] of the settled T_cam_obj
    J: Array  # [O, 6, P]
    residuals: Array  # [O, P] m
    weights: Array  # [O, P] 0 to 1
    share: Array  # [O] of the points that are no repetitions
    radius: Array  # [O] m, by which the rotations of J are multiplied
    diameter: Array  # [O] m
    trust: Array  # [O] in the mask, 0 to 1


def covariances(fit: Fit, config: UncertaintyConfig) -> Array:
    """Covariances [O, 6, 6] along the camera's axes; where nothing was seen, those of the prior."""
    information = _of_depth(fit, config)
    across = fit.R[:, :2]  # the camera's x and y in the object frame, [O, 2, 3]
    sharpness = (fit.trust / config.mask_error**2)[:, None, None]
    information[:, :3, :3] += across.transpose(0, 2, 1) @ across * sharpness
    scale = np.ones((len(fit.R), 6))
    scale[:, 3:] /= fit.radius[:, None]
    information += (scale**2 / prior_variance(fit.diameter))[:, :, None] * _DIAGONAL
    covariance = np.linalg.inv(information) * (scale[:, :, None] * scale[:, None, :])
    turn = np.zeros((len(fit.R), 6, 6))
    turn[:, :3, :3] = turn[:, 3:, 3:] = fit.R
    turned: Array = turn @ covariance @ turn.transpose(0, 2, 1)
    return turned


def prior_variance(diameter: Array) -> Array:
    """Variances [O, 6] of not knowing where an object is, beyond that it is there: half its diameter and one radian."""
    variance = np.ones((len(diameter), 6))
    variance[:, :3] = (diameter[:, None] / 2) ** 2
    return variance


def _of_depth(fit: Fit, config: UncertaintyConfig) -> Array:
    """Information [O, 6, 6] of the disturbance in metres: J'J / sigma^2 with the measured sigma.

    A direction whose leverage does not exceed the error of the normals carries no information.
    """
    J = fit.J * np.sqrt(fit.weights * fit.share[:, None])[:, None]
    leverage, axes = np.linalg.eigh(J @ J.transpose(0, 2, 1))
    # The normals have length one, so the leverage of the places together is the sum of their weights.
    weight = fit.weights.sum(axis=1)
    total = np.maximum(weight * fit.share, 1e-9)
    spread = np.einsum("op,op->o", fit.weights, fit.residuals * fit.residuals) / np.maximum(weight, 1e-9)
    variance = (spread + config.noise_floor**2) * config.correlation
    information = np.maximum(leverage - (total * config.normal_error**2)[:, None], 0.0) / variance[:, None]
    seen: Array = (axes * information[:, None, :]) @ axes.transpose(0, 2, 1)
    return seen
