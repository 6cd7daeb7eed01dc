"""Views as tensors for a batch, on any device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .views import AMODAL, SPOILT, VISIBLE, View


@dataclass(frozen=True, slots=True, eq=False)
class ViewBatch:
    """What `View` holds, batched; the pointmap of a pixel is its depth times ((u - cx) / fx, (v - cy) / fy, 1)."""

    color: Tensor  # [B, 3, 160, 160] uint8 sRGB
    depth: Tensor  # [B, 160, 160] metres, 0 = none
    mask: Tensor  # [B, 160, 160] bool, as a network would give it
    visible: Tensor  # [B, 160, 160] bool, truth
    amodal: Tensor  # [B, 160, 160] bool, truth if nothing hid the object
    crop: Tensor  # [B, 4] fx, fy, cx, cy
    coarse_color: Tensor  # [B, 3, 60, 80] uint8
    coarse_depth: Tensor  # [B, 60, 80] metres
    coarse_mask: Tensor  # [B, 60, 80] bool
    coarse: Tensor  # [B, 4] fx, fy, cx, cy
    T_cam_obj: Tensor  # [B, 4, 4]
    up_cam: Tensor  # [B, 3]
    object_ids: tuple[str, ...]

    @classmethod
    def of(cls, views: Sequence[View], device: torch.device | str = "cpu") -> ViewBatch:
        def stacked(name: str) -> Tensor:
            return torch.from_numpy(np.stack([getattr(view, name) for view in views])).to(device)

        def metres(name: str) -> Tensor:
            millimetres = np.stack([getattr(view, name) for view in views]).astype(np.float32)
            return torch.from_numpy(millimetres / np.float32(1000)).to(device)

        masks = stacked("masks")
        return cls(
            color=stacked("color").movedim(-1, 1),
            depth=metres("depth_mm"),
            mask=(masks & SPOILT) > 0,
            visible=(masks & VISIBLE) > 0,
            amodal=(masks & AMODAL) > 0,
            crop=stacked("crop"),
            coarse_color=stacked("coarse_color").movedim(-1, 1),
            coarse_depth=metres("coarse_depth_mm"),
            coarse_mask=stacked("coarse_mask") > 0,
            coarse=stacked("coarse"),
            T_cam_obj=stacked("T_cam_obj"),
            up_cam=stacked("up_cam"),
            object_ids=tuple(view.object_id for view in views),
        )
