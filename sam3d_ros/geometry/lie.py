"""Small motions of poses: exponential and logarithm, adjoint, and covariances that move between frames.

Two ways to say how a pose T_ref_obj = (R, t) is uncertain, both 6 numbers in reference axes:

* **pose error** (x y z, then rotation about the fixed axes x y z), the way of geometry_msgs/PoseWithCovariance: the
  position becomes t + dt, the rotation Exp(dr) R. The parts do not mix: the object turns about its own origin.
* **twist** (v, w): the whole transform becomes exp([v, w]) T, so the rotation turns the object about the origin of the
  reference frame. Least squares on such increments, ICP among them, gives its covariance in this form.

To first order dt = v + w x t and dr = w. Everything in ROS messages is a pose error.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .transforms import SE3

Float64Array = NDArray[np.float64]

_SMALL = 1e-4  # radians; below, series are more accurate than quotients


def skew(vector: ArrayLike) -> Float64Array:
    """The matrix [3, 3] with skew(a) @ b = a x b."""
    x, y, z = np.asarray(vector, np.float64)
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def so3_exp(rotation_vector: ArrayLike) -> Float64Array:
    """Unit quaternion w, x, y, z of the rotation by |r| radians about r."""
    vector = np.asarray(rotation_vector, np.float64)
    angle = float(np.linalg.norm(vector))
    factor = 0.5 - angle**2 / 48 if angle < _SMALL else np.sin(angle / 2) / angle
    return np.concatenate([[np.cos(angle / 2)], factor * vector])


def so3_log(quat_wxyz: ArrayLike) -> Float64Array:
    """Rotation vector [3] in radians of a unit quaternion; its length is at most pi."""
    quat = np.asarray(quat_wxyz, np.float64)
    w, vector = (quat[0], quat[1:]) if quat[0] >= 0 else (-quat[0], -quat[1:])
    sine = float(np.linalg.norm(vector))
    factor = 2.0 + sine**2 / 3 if sine < _SMALL else 2 * np.arctan2(sine, w) / sine
    rotation_vector: Float64Array = factor * vector
    return rotation_vector


def se3_exp(twist: ArrayLike) -> SE3:
    """The motion of a twist v, w [6] held for one unit of time. Sola, Deray, Atchuthan, arXiv 1812.01537, example 7."""
    velocity, rotation_vector = np.split(np.asarray(twist, np.float64), 2)
    return SE3(so3_exp(rotation_vector), _left_jacobian(rotation_vector) @ velocity)


def se3_log(transform: SE3) -> Float64Array:
    """The twist v, w [6] with se3_exp(twist) = transform and |w| at most pi."""
    rotation_vector = so3_log(transform.quat_wxyz)
    velocity = np.linalg.solve(_left_jacobian(rotation_vector), transform.translation_xyz)
    return np.concatenate([velocity, rotation_vector])


def adjoint(T_a_b: SE3) -> Float64Array:
    """Matrix [6, 6] that takes twists v, w from frame b to frame a: T exp(x) inverse(T) = exp(adjoint(T) x)."""
    rotation = T_a_b.rotation
    matrix = np.zeros((6, 6))
    matrix[:3, :3] = matrix[3:, 3:] = rotation
    matrix[:3, 3:] = skew(T_a_b.translation_xyz) @ rotation
    return matrix


def transform_covariance(covariance: ArrayLike, T_a_b: SE3) -> Float64Array:
    """Pose-error covariance [6, 6] of a pose given in frame b, for the same pose given in frame a.

    Both parts of a pose error are vectors in reference axes, so only the rotation matters; T_a_b counts as exact.
    """
    turn = np.kron(np.eye(2), T_a_b.rotation)
    moved: Float64Array = turn @ np.asarray(covariance, np.float64) @ turn.T
    return moved


def pose_covariance_from_twist(covariance: ArrayLike, T_ref_obj: SE3) -> Float64Array:
    """Pose-error covariance [6, 6] (ROS) from a twist covariance [6, 6] (ICP), to first order."""
    jacobian = np.eye(6)
    jacobian[:3, 3:] = -skew(T_ref_obj.translation_xyz)
    moved: Float64Array = jacobian @ np.asarray(covariance, np.float64) @ jacobian.T
    return moved


def _left_jacobian(rotation_vector: Float64Array) -> Float64Array:
    """V [3, 3] with translation = V v, for the rotation vector w of a twist."""
    angle = float(np.linalg.norm(rotation_vector))
    cross = skew(rotation_vector)
    if angle < _SMALL:
        return np.eye(3) + cross / 2 + cross @ cross / 6
    first = (1 - np.cos(angle)) / angle**2
    second = (angle - np.sin(angle)) / angle**3
    jacobian: Float64Array = np.eye(3) + first * cross + second * (cross @ cross)
    return jacobian
