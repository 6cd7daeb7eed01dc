"""sensor_msgs/CameraInfo as a pinhole camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import PinholeCamera
from .raw_image import InputError


@dataclass(frozen=True, slots=True, eq=False)
class CameraCalibration:
    """The two cameras that a CameraInfo describes, both for the pixels of the image that travels with it."""

    camera: PinholeCamera  # of the rectified image: from P; from K where P is not filled in
    raw_camera: PinholeCamera  # of the image as the sensor took it: from K, to be used with the distortion
    distortion_model: str
    distortion: NDArray[np.float64]  # [N] coefficients D
    rectification: NDArray[np.float64]  # [3, 3] R: directions of the raw camera into those of the rectified one
    frame_id: str

    @property
    def is_distorted(self) -> bool:
        """Whether a raw image of this camera needs to be rectified."""
        return bool(np.any(self.distortion != 0.0))


def read_camera_info(message: Any) -> CameraCalibration:
    """The calibration for the transmitted pixels: region of interest and binning are applied.

    Raises InputError where K is all zeros (the ROS sign for uncalibrated) or a size is missing.
    """
    width, height = int(message.width), int(message.height)
    if width < 1 or height < 1:
        raise InputError(f"camera_info has the size {width}x{height}; the driver must fill in width and height")
    K = _numbers(message.k, 9, "K").reshape(3, 3)
    P = _numbers(message.p, 12, "P").reshape(3, 4)[:, :3]
    if not K.any():
        raise InputError("camera_info is uncalibrated (K is all zeros); run a camera calibration")
    R = _numbers(message.r, 9, "R").reshape(3, 3)
    return CameraCalibration(
        camera=_transmitted(P if P[0, 0] > 0 else K, message),
        raw_camera=_transmitted(K, message),
        distortion_model=str(message.distortion_model),
        distortion=_numbers(message.d, None, "D"),
        rectification=R if R.any() else np.eye(3),
        frame_id=str(message.header.frame_id),
    )


def _transmitted(matrix: NDArray[np.float64], message: Any) -> PinholeCamera:
    """Pinhole of the pixels that are sent: cut to the region of interest first, then binned."""
    roi = message.roi
    bin_x, bin_y = max(int(message.binning_x), 1), max(int(message.binning_y), 1)
    width, height = int(roi.width) or int(message.width), int(roi.height) or int(message.height)
    try:
        cut = PinholeCamera(
            width,
            height,
            matrix[0, 0],
            matrix[1, 1],
            matrix[0, 2] - int(roi.x_offset),
            matrix[1, 2] - int(roi.y_offset),
        )
    except ValueError as error:
        raise InputError(f"camera_info: {error}") from error
    if (bin_x, bin_y) == (1, 1):
        return cut
    return cut.scaled_to(max(width // bin_x, 1), max(height // bin_y, 1))


def _numbers(values: Any, count: int | None, name: str) -> NDArray[np.float64]:
    array = np.array(values, np.float64).reshape(-1)
    if count is not None and len(array) != count:
        raise InputError(f"camera_info {name} holds {len(array)} numbers instead of {count}")
    if not np.isfinite(array).all():
        raise InputError(f"camera_info {name} holds NaN or Inf: {array.tolist()}")
    return array
