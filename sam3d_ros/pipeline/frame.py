"""What goes into the pipeline: one matched set of colour, depth, masks and camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..geometry import PinholeCamera


class FrameError(ValueError):
    """The parts of a frame do not fit together."""


@dataclass(frozen=True, slots=True)
class Detection:
    """What a detector says of one instance."""

    class_id: str
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Colour, pointmap and label image of one instant, all of the same size, in one camera optical frame."""

    color: NDArray[np.uint8]  # [H, W, 3] sRGB
    pointmap: NDArray[np.float32]  # [H, W, 3] metres, x right, y down, z forward; NaN where there is no depth
    labels: NDArray[np.int32]  # [H, W] 0 = background, else the instance label
    camera: PinholeCamera
    stamp_ns: int = 0
    frame_id: str = "camera_color_optical_frame"
    detections: Mapping[int, Detection] = field(default_factory=dict)  # by label

    def __post_init__(self) -> None:
        size = (self.camera.height, self.camera.width)
        _check("colour", self.color, (*size, 3), np.uint8)
        _check("pointmap", self.pointmap, (*size, 3), np.float32)
        _check("label image", self.labels, size, np.int32)

    def instance_labels(self) -> list[int]:
        """The labels in the image, ascending, background left out."""
        labels = np.unique(self.labels)
        return [int(label) for label in labels if label != 0]


def _check(name: str, array: NDArray[np.generic], shape: tuple[int, ...], dtype: type[np.generic]) -> None:
    if array.shape != shape or array.dtype != dtype:
        raise FrameError(
            f"{name} must be {np.dtype(dtype).name} {list(shape)} as the camera says, "
            f"got {array.dtype.name} {list(array.shape)}"
        )
