"""Every convention of axes, orders and colour that this package meets, in one place.

`R_a_b` are column-vector rotation matrices [3, 3]: p_a = R_a_b @ p_b. All are proper rotations (determinant +1), so
none of them mirrors a mesh. The frames, all right-handed:

    optical    ROS camera optical frame (REP 103, suffix `_optical`), also OpenCV: x right, y down, z forward
    body       ROS body frame (REP 103): x forward, y left, z up
    pytorch3d  PyTorch3D camera and the pointmaps of SAM 3D Objects: x left, y up, z forward
    opengl     OpenGL and glTF camera: x right, y up, z backward
    object     object frame of this package and canonical frame of SAM 3D Objects: z up
    glb        content of a glTF/GLB file (glTF 2.0 specification, section 3.4): y up

Matrices and quaternions inside the package are for column vectors; quaternions are w, x, y, z inside and x, y, z, w in
ROS messages (geometry_msgs/Quaternion) and SciPy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .transforms import SE3, Sim3

Float64Array = NDArray[np.float64]
FloatArray = NDArray[np.floating]


def _constant(rows: list[list[float]]) -> Float64Array:
    matrix = np.array(rows, np.float64)
    matrix.setflags(write=False)
    return matrix


R_OPTICAL_PYTORCH3D = _constant([[-1, 0, 0], [0, -1, 0], [0, 0, 1]])
R_OPTICAL_OPENGL = _constant([[1, 0, 0], [0, -1, 0], [0, 0, -1]])
R_OPTICAL_BODY = _constant([[0, -1, 0], [0, 0, -1], [1, 0, 0]])
R_BODY_OPTICAL = _constant([[0, 0, 1], [-1, 0, 0], [0, -1, 0]])
R_BODY_PYTORCH3D = _constant([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
R_GLB_OBJECT = _constant([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
R_OBJECT_GLB = _constant([[1, 0, 0], [0, 0, -1], [0, 1, 0]])


def optical_from_pytorch3d(points: FloatArray) -> FloatArray:
    """Points or a pointmap [..., 3] of the PyTorch3D camera in the optical frame; keeps the dtype and NaN."""
    return points * np.array([-1, -1, 1], points.dtype)


def pytorch3d_from_optical(points: FloatArray) -> FloatArray:
    """Points or a pointmap [..., 3] of the optical frame in PyTorch3D camera axes; keeps the dtype and NaN."""
    return points * np.array([-1, -1, 1], points.dtype)


def optical_from_opengl(points: FloatArray) -> FloatArray:
    """Points [..., 3] of an OpenGL or glTF camera in the optical frame."""
    return points * np.array([1, -1, -1], points.dtype)


def opengl_from_optical(points: FloatArray) -> FloatArray:
    """Points [..., 3] of the optical frame in the axes of an OpenGL or glTF camera."""
    return points * np.array([1, -1, -1], points.dtype)


def body_from_optical(points: FloatArray) -> FloatArray:
    """Points [..., 3] of the optical frame in the body frame at the same origin: (x, y, z) -> (z, -x, -y)."""
    return np.stack([points[..., 2], -points[..., 0], -points[..., 1]], axis=-1)


def optical_from_body(points: FloatArray) -> FloatArray:
    """Points [..., 3] of the body frame in the optical frame at the same origin: (x, y, z) -> (-y, -z, x)."""
    return np.stack([-points[..., 1], -points[..., 2], points[..., 0]], axis=-1)


def glb_from_object(points: FloatArray) -> FloatArray:
    """Points [..., 3] of the object frame (z up) as a GLB stores them (y up): (x, y, z) -> (x, z, -y)."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def object_from_glb(points: FloatArray) -> FloatArray:
    """Points [..., 3] as a GLB stores them (y up) in the object frame (z up): (x, y, z) -> (x, -z, y)."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def wxyz_from_xyzw(quat_xyzw: ArrayLike) -> Float64Array:
    """Quaternions [..., 4] of geometry_msgs or SciPy order as w, x, y, z."""
    return np.roll(np.asarray(quat_xyzw, np.float64), 1, axis=-1)


def xyzw_from_wxyz(quat_wxyz: ArrayLike) -> Float64Array:
    """Quaternions [..., 4] of w, x, y, z order as geometry_msgs and SciPy have them."""
    return np.roll(np.asarray(quat_wxyz, np.float64), -1, axis=-1)


def column_from_row(matrix: ArrayLike) -> Float64Array:
    """A matrix [..., N, N] for row vectors (p' = p @ M: PyTorch3D, DirectX) as the one for column vectors, or back."""
    transposed: Float64Array = np.swapaxes(np.asarray(matrix, np.float64), -1, -2).copy()
    return transposed


@dataclass(frozen=True, slots=True, eq=False)
class Sam3dPose:
    """Object pose as SAM 3D Objects states it: row vectors, PyTorch3D camera axes, canonical z-up object points.

    A canonical point maps as p_camera = scale * p_canonical @ Q + translation, with Q the matrix of `quat_wxyz`.
    """

    quat_wxyz: Float64Array  # [4]
    translation_xyz: Float64Array  # [3] PyTorch3D camera axes, unit of the pointmap (metres)
    scale: float


def optical_pose_from_sam3d(pose: Sam3dPose) -> Sim3:
    """`T_optical_canonical`: canonical cube [-0.5, 0.5]^3 (z up) to the optical frame, in metres.

    The quaternion serves row vectors, so its conjugate is the rotation for column vectors.
    """
    conjugate = np.asarray(pose.quat_wxyz, np.float64) * np.array([1.0, -1.0, -1.0, -1.0])
    T_pytorch3d_canonical = Sim3(conjugate, np.asarray(pose.translation_xyz, np.float64), float(pose.scale))
    T_optical_pytorch3d = Sim3.from_se3(SE3.from_rotation(R_OPTICAL_PYTORCH3D, np.zeros(3)))
    return T_optical_pytorch3d @ T_pytorch3d_canonical


def sam3d_pose_from_optical(T_optical_canonical: Sim3) -> Sam3dPose:
    """The inverse of `optical_pose_from_sam3d`; the quaternion has w >= 0."""
    T_pytorch3d_optical = Sim3.from_se3(SE3.from_rotation(R_OPTICAL_PYTORCH3D.T, np.zeros(3)))
    T_pytorch3d_canonical = T_pytorch3d_optical @ T_optical_canonical
    quat = T_pytorch3d_canonical.quat_wxyz * np.array([1.0, -1.0, -1.0, -1.0])
    quat = quat if quat[0] >= 0 else -quat
    return Sam3dPose(quat, T_pytorch3d_canonical.translation_xyz, T_pytorch3d_canonical.scale)


def linear_from_srgb(srgb: NDArray[np.uint8]) -> Float64Array:
    """Linear light 0-1 of 8-bit sRGB (IEC 61966-2-1); glTF wants COLOR_0 linear, everything else here is sRGB."""
    value = np.asarray(srgb, np.float64) / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(linear: ArrayLike) -> NDArray[np.uint8]:
    """8-bit sRGB of linear light (IEC 61966-2-1), rounded to the nearest; values outside 0-1 are clipped."""
    value = np.clip(np.asarray(linear, np.float64), 0.0, 1.0)
    encoded = np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255.0).astype(np.uint8)
