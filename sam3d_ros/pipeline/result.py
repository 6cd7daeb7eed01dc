"""What comes out of the pipeline: an object, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3, Mesh
from ..geometry.gaussians import Gaussians


class RejectionReason(str, Enum):
    """Why a mask did not become an object. The values travel in sam3d_ros/Rejection."""

    EMPTY_MASK = "empty_mask"
    MASK_TOO_SMALL = "mask_too_small"
    MASK_COVERS_IMAGE = "mask_covers_image"
    TOUCHES_BORDER = "touches_border"
    TOO_FEW_DEPTH_POINTS = "too_few_depth_points"
    DEPTH_OUT_OF_RANGE = "depth_out_of_range"
    TOO_MANY_OBJECTS = "too_many_objects"
    TRANSFORM_MISSING = "transform_missing"
    INVALID_INPUT = "invalid_input"
    EMPTY_SHAPE = "empty_shape"
    LOW_DEPTH_AGREEMENT = "low_depth_agreement"
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A mask without an object; `detail` names the offending value and what to do."""

    label: int  # 0: the whole frame
    reason: RejectionReason
    detail: str


@dataclass(frozen=True, slots=True)
class Quality:
    """Agreement of a posed mesh with the measured depth; NaN where it could not be measured."""

    residual_rms: float = float("nan")  # m, point to plane, inliers only
    inlier_ratio: float = float("nan")  # 0-1, share of the mask's depth points that lie on the mesh
    mask_iou: float = float("nan")  # 0-1, projected mesh against the mask
    free_space: float = float("nan")  # 0-1, share of the mesh through which the camera saw something farther away
    depth_points: int = 0  # depth points used by the fit
    scale_source: str = "depth"

    @property
    def score(self) -> float:
        """0-1, by which of several answers the best is chosen: depth on the mesh, in the mask, not where it is free.

        NaN where depth or outline could not be compared.
        """
        free = 0.0 if math.isnan(self.free_space) else self.free_space
        return self.inlier_ratio * self.mask_iou * (1.0 - free)


@dataclass(frozen=True, slots=True, eq=False)
class Reconstruction:
    """One complete object.

    The mesh is in metres in the object frame: right-handed, z up (against gravity or the support plane where one is
    known), origin at the centre of the mesh's axis-aligned box. `scale` is the edge in metres of the unit cube that the
    canonical shape fills; it is already baked into the mesh.
    """

    label: int
    mesh: Mesh
    T_cam_obj: SE3  # camera optical frame
    scale: float
    quality: Quality
    covariance: NDArray[np.float64]  # [6, 6] x y z, rotation about x y z; camera frame; as PoseWithCovariance orders it
    latency_ms: Mapping[str, float] = field(default_factory=dict)  # by stage
    coarse: bool = False  # first pose and rough mesh; the finished one follows
    gaussians: Gaussians | None = None  # object frame; where they were asked for
