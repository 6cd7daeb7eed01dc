"""What a frame says of one instance: its mask and the depth points that lie on the object, or why they are too few."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .frame import Frame
from .result import Rejection, RejectionReason
from .stray import StrayConfig, on_object

BoolImage = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PrepareConfig:
    """Limits on what is accepted as an observation of an object.

    `max_border_fraction` is the share of the mask's outline that may lie on the image border. An object that merely
    touches the border stays below 0.1; one that is cut in half is between 0.25 and 0.4. The default refuses only what
    is so cut off that neither its size nor its symmetry can be known.
    """

    min_mask_pixels: int = 80
    max_mask_fraction: float = 0.7  # of the image
    max_border_fraction: float = 0.25  # of the mask's outline
    min_depth_points: int = 40
    min_depth: float = 0.1  # m
    max_depth: float = 4.0  # m
    stray: StrayConfig = field(default_factory=StrayConfig)

    def __post_init__(self) -> None:
        if self.min_depth < 0 or self.max_depth <= self.min_depth:
            raise ValueError(f"depth limits must grow: min_depth {self.min_depth}, max_depth {self.max_depth}")
        if self.min_mask_pixels < 1 or self.min_depth_points < 1:
            raise ValueError(
                f"min_mask_pixels and min_depth_points start at 1, got {self.min_mask_pixels}, {self.min_depth_points}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """The visible surface of one instance, camera optical frame."""

    label: int
    mask: BoolImage  # [H, W]
    points: NDArray[np.float64]  # [N, 3] metres
    colors: NDArray[np.uint8]  # [N, 3] sRGB
    pixels: NDArray[np.int32]  # [N, 2] u, v
    dropped: int  # depth readings inside the mask that do not lie on the object


def observe(frame: Frame, label: int, config: PrepareConfig) -> Observation | Rejection:
    """Collect the depth points of an instance, or say with the offending number why they are not enough."""
    mask = check_mask(frame, label, config)
    if isinstance(mask, Rejection):
        return mask
    in_range = depth_in_range(frame, mask, config)
    if rejection := _check_depth(frame, label, mask=mask, in_range=in_range, config=config):
        return rejection
    # The whole mask, holes in the depth and all: beside a hole a pixel is no nearer to the mask's rim.
    depth = np.where(mask & ~in_range, np.float32(np.nan), frame.pointmap[..., 2])
    kept = on_object(depth, mask, 1.0 / frame.camera.fx, config.stray)
    if int(kept.sum()) < config.min_depth_points:
        detail = f"{int(kept.sum())} points left of {int(in_range.sum())} after stray depth was removed"
        return Rejection(label, RejectionReason.TOO_FEW_DEPTH_POINTS, detail)
    v, u = np.nonzero(kept)
    return Observation(
        label=label,
        mask=mask,
        points=frame.pointmap[v, u].astype(np.float64),
        colors=frame.color[v, u],
        pixels=np.stack([u, v], axis=1).astype(np.int32),
        dropped=int(in_range.sum() - kept.sum()),
    )


def check_mask(frame: Frame, label: int, config: PrepareConfig) -> BoolImage | Rejection:
    """The mask of an instance, or the reason why its outline alone rules it out."""
    mask: BoolImage = frame.labels == label
    count = int(np.count_nonzero(mask))
    if label == 0 or count == 0:
        return Rejection(label, RejectionReason.EMPTY_MASK, f"no pixel carries label {label}")
    if count < config.min_mask_pixels:
        detail = f"{count} pixels, min_mask_pixels is {config.min_mask_pixels}"
        return Rejection(label, RejectionReason.MASK_TOO_SMALL, detail)
    if count > config.max_mask_fraction * mask.size:
        detail = f"{count / mask.size:.0%} of the image, max_mask_fraction is {config.max_mask_fraction:.0%}"
        return Rejection(label, RejectionReason.MASK_COVERS_IMAGE, detail)
    border = border_fraction(mask)
    if border > config.max_border_fraction:
        detail = (
            f"{border:.0%} of the outline on the image border, max_border_fraction is {config.max_border_fraction:.0%}"
        )
        return Rejection(label, RejectionReason.TOUCHES_BORDER, f"{detail}; move the camera")
    return mask


def border_fraction(mask: BoolImage) -> float:
    """Share, 0 to 1, of the mask's outline pixels that lie on the outermost rows and columns of the image."""
    inside = mask.copy()
    inside[1:] &= mask[:-1]
    inside[:-1] &= mask[1:]
    inside[:, 1:] &= mask[:, :-1]
    inside[:, :-1] &= mask[:, 1:]
    inside[[0, -1]] = False
    inside[:, [0, -1]] = False
    outline = int(mask.sum() - inside.sum())
    at_border = int(mask[[0, -1]].sum() + mask[1:-1, [0, -1]].sum())
    return at_border / max(outline, 1)


def depth_in_range(frame: Frame, mask: BoolImage, config: PrepareConfig) -> BoolImage:
    """Mask pixels whose depth reading lies within the limits, [H, W]."""
    depth = frame.pointmap[..., 2]
    with np.errstate(invalid="ignore"):
        inside: BoolImage = mask & (depth >= config.min_depth) & (depth <= config.max_depth)
    return inside


def _check_depth(
    frame: Frame, label: int, *, mask: BoolImage, in_range: BoolImage, config: PrepareConfig
) -> Rejection | None:
    depth = frame.pointmap[..., 2][mask]
    depth = depth[np.isfinite(depth)]
    usable = int(in_range.sum())
    if len(depth) < config.min_depth_points:
        detail = (
            f"{len(depth)} of {int(mask.sum())} mask pixels have depth, min_depth_points is {config.min_depth_points}"
        )
        return Rejection(label, RejectionReason.TOO_FEW_DEPTH_POINTS, detail)
    if usable < config.min_depth_points or usable < len(depth) / 2:
        limits = f"{config.min_depth:g} m to {config.max_depth:g} m"
        detail = f"median depth {np.median(depth):.2f} m, accepted is {limits} (min_depth, max_depth)"
        return Rejection(label, RejectionReason.DEPTH_OUT_OF_RANGE, detail)
    return None
