"""What a finished mesh must fulfil before it leaves as an object; what does not is a rejection with its figures."""

from __future__ import annotations

from dataclasses import dataclass

from .result import Quality, Rejection, RejectionReason


@dataclass(frozen=True, slots=True)
class Gates:
    """Limits, shares from 0 to 1, on how a new object agrees with depth and mask; 0, 0 and 1 let everything pass."""

    min_inlier_ratio: float = 0.4  # of the depth points, on the mesh
    min_mask_iou: float = 0.3  # of outline and mask; what something nearer hides does not count
    max_free_space: float = 0.5  # of the seen mesh, through which the camera saw something farther away

    def __post_init__(self) -> None:
        for name in ("min_inlier_ratio", "min_mask_iou", "max_free_space"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share from 0 to 1, got {getattr(self, name)}")

    def doubt(self, label: int, quality: Quality) -> Rejection | None:
        """Why a mesh of this quality is not believed; figures that are not known pass where the gate is open."""
        agrees = (
            (quality.inlier_ratio >= self.min_inlier_ratio or self.min_inlier_ratio == 0)
            and (quality.mask_iou >= self.min_mask_iou or self.min_mask_iou == 0)
            and not quality.free_space > self.max_free_space
        )
        if agrees:
            return None
        detail = (
            f"{quality.inlier_ratio:.0%} of the depth points lie on the completed mesh (gate_inlier_ratio "
            f"{self.min_inlier_ratio:.0%}), outline and mask overlap by {quality.mask_iou:.0%} (gate_mask_iou "
            f"{self.min_mask_iou:.0%}), the camera saw through {quality.free_space:.0%} of it (gate_free_space "
            f"{self.max_free_space:.0%})"
        )
        return Rejection(label, RejectionReason.LOW_DEPTH_AGREEMENT, detail)


OPEN = Gates(0.0, 0.0, 1.0)  # everything passes
