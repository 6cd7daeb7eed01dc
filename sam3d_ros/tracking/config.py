"""Limits and gates of the object table."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..pipeline.registration import RegistrationConfig


@dataclass(frozen=True, slots=True)
class TrackingConfig:
    """What keeps an identity, what a followed pose must fulfil, and how long objects live; metres and seconds."""

    max_objects: int = 32  # living objects; the largest masks come first
    max_age_s: float = 5.0  # an object whose mask is gone for longer is removed
    follow: bool = True  # register known objects against each frame; without it they stay where they were first seen
    # Identity
    min_overlap: float = 0.25  # 0-1, agreement of a mask with a known object that is enough without the same label
    same_label_bonus: float = 0.3  # added to the overlap where the label is the object's last one
    steady: bool = True  # average the poses of what rests in a fixed reference frame
    max_speed: float = 1.0  # m/s at which an object may move between frames and keep its id by its label alone
    # Gates of a followed pose
    min_follow_points: int = 30
    follow_points: int = 200  # depth points of each mask that take part
    min_inlier_ratio: float = 0.5
    min_mask_iou: float = 0.35  # parts of the object that something nearer hides do not count
    max_residual: float = 0.01  # m, RMS of the inliers
    min_view: float = 0.1  # of the area that was seen when the mesh was made; less tells nothing of the pose
    # When to reconstruct again
    bad_frames_before_reconstruction: int = 5
    better_view: float = 1.6  # times the area that was seen when the mesh was made; 0: never
    registration: RegistrationConfig = field(default_factory=RegistrationConfig)
    # Time
    time_jump_s: float = 0.5  # a stamp that is older than the newest one by more means that time has jumped back

    def __post_init__(self) -> None:
        for name in ("max_objects", "bad_frames_before_reconstruction", "min_follow_points", "follow_points"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} starts at 1, got {getattr(self, name)}")
        for name in ("max_age_s", "max_speed", "max_residual", "time_jump_s", "same_label_bonus", "better_view"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} cannot be negative, got {getattr(self, name)}")
        for name in ("min_overlap", "min_inlier_ratio", "min_mask_iou", "min_view"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share from 0 to 1, got {getattr(self, name)}")
