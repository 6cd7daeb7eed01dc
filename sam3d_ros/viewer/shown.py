"""What is shown of one frame, ready to be sent; small enough to keep hundreds of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3, PinholeCamera
from ..tracking import SceneUpdate


@dataclass(frozen=True, slots=True, eq=False)
class SceneCloud:
    """Measured depth, thinned out, in the camera optical frame."""

    centre: NDArray[np.float64]  # [3] metres
    offsets: NDArray[np.float16]  # [N, 3] metres from the centre: half precision is fine there, not metres away
    colors: NDArray[np.uint8]  # [N, 3] sRGB
    labels: NDArray[np.int32]  # [N] of the mask image, 0 = background
    spacing: float  # metres between neighbours at the median depth


@dataclass(frozen=True, slots=True, eq=False)
class CameraView:
    """The camera, its picture made small, and what it measured."""

    camera: PinholeCamera
    T_ref_cam: SE3
    picture: NDArray[np.uint8]  # [h, w, 3] sRGB
    cloud: SceneCloud | None  # None where nothing was measured


@dataclass(frozen=True, slots=True, eq=False)
class ShownFrame:
    """One moment of the scene. Every pose is in `frame_id`, the reference frame of the page."""

    stamp_ns: int
    frame_id: str
    optical: bool  # the reference frame is the camera's own: up is not z
    update: SceneUpdate
    view: CameraView | None = None
    tf_names: Mapping[int, str] = field(default_factory=dict)  # TF child frame by object id
    latency_ms: float = float("nan")  # from image to result, NaN where nobody knows
    notices: tuple[str, ...] = ()  # what is missing in this frame, and why


def is_optical(frame_id: str) -> bool:
    """Whether a frame's name says, as REP 103 asks for, that it is a camera's: x right, y down, z forward."""
    return frame_id.endswith("optical_frame") or "_optical" in frame_id
