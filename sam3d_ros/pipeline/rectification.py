"""Images as the lens bent them, made straight: the pipeline knows pinhole cameras only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.distortion import DistortionError, Rectifier, distorted_camera, rectifier
from .camera_info import CameraCalibration
from .raw_image import InputError

IMAGE_KINDS = ("auto", "raw", "rectified")


def is_raw(kind: str, topic: str) -> bool:
    """Whether images of a topic are unrectified: as told by `kind`, or by the topic's name for "auto".

    CameraInfo cannot tell: image_proc sends the same one beside image_raw and image_rect. Its naming is the convention.
    """
    return kind == "raw" or (kind == "auto" and "rect" not in topic)


def rectifier_for(calibration: CameraCalibration) -> Rectifier | None:
    """The look-up table for raw images of this camera, None where the lens bends nothing; cached by camera."""
    if not calibration.is_distorted:
        return None
    try:
        source = distorted_camera(calibration.raw_camera, calibration.distortion_model, calibration.distortion.tolist())
    except DistortionError as error:
        raise InputError(f"camera_info: {error}") from error
    r = [tuple(map(float, row)) for row in calibration.rectification]
    return rectifier(source, calibration.camera, (r[0], r[1], r[2]))


def rectify_depth(table: Rectifier, depth: NDArray[Any]) -> NDArray[Any]:
    """Straight depth image of the camera's size; a raw one of another size is brought to it first, nearest pixel."""
    return table.depth(_resampled(depth, table.source_size))


def rectify_points(table: Rectifier, pointmap: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pointmap [H, W, 3] picked for the pixels of the straight image; the points themselves are right already."""
    if table.depth_factor is not None:
        raise InputError("points: the rectification R of camera_info turns the camera: use depth, or rectified images")
    picked: NDArray[np.float32] = pointmap.reshape(-1, 3)[table.nearest]
    picked[~table.inside] = np.nan
    return picked


def _resampled(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    rows, columns = (
        np.minimum(((np.arange(wanted) + 0.5) * have / wanted).astype(np.intp), have - 1)
        for wanted, have in zip(size, image.shape, strict=True)
    )
    return image if image.shape == size else np.ascontiguousarray(image[np.ix_(rows, columns)])
