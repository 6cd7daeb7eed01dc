"""Limits of the tabletop segmentation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TabletopConfig:
    """What counts as support and as an object on it; metres, camera optical frame."""

    min_depth: float = 0.15
    max_depth: float = 2.5
    # Support plane
    plane_distance: float = 0.008  # at 1 m; grows with the square of the depth, as depth noise does
    min_plane_share: float = 0.08  # of the readings within the depth limits
    # Objects
    min_height: float = 0.008  # above the plane, plus the noise of the reading
    max_height: float = 0.5
    plane_margin: float = 0.03  # how far an object may stand out over the edge of the support
    min_pixels: int = 300  # of the full image
    max_depth_jump: float = 0.012  # between neighbours at 1 m; grows with the square of the depth
    concave_angle_deg: float = 28.0  # surfaces that meet in a dent sharper than this belong to two objects
    max_objects: int = 60
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.min_depth < self.max_depth:
            raise ValueError(f"depth limits must grow, got min_depth {self.min_depth}, max_depth {self.max_depth}")
        if not 0 <= self.min_height < self.max_height:
            raise ValueError(f"heights must grow, got min_height {self.min_height}, max_height {self.max_height}")
        if self.min_pixels < 1 or self.max_objects < 1:
            raise ValueError(f"min_pixels and max_objects start at 1, got {self.min_pixels}, {self.max_objects}")
