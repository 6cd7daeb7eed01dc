"""Shapes on a grid as they travel from the data's workers to the device: one byte a voxel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from torch import Tensor

# Makes of the batch that workers collected what an objective reads.
ReadBatch: TypeAlias = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]

BYTE_IMAGES = ("image", "rgb_image", "mask", "rgb_image_mask")  # 0 to 255 in a batch
LEVELS = 127  # of a signed distance in units of its truncation


def truth_fields(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`occupancy` (0 or 1) and `distance` (-1 to 1, negative inside), [B, 1, R, R, R] float32, of a batch's bytes.

    In a batch both are [B, R, R, R]; distances are whole numbers from -127 to 127.
    """
    return {
        "occupancy": batch["occupancy"][:, None].float(),
        "distance": batch["distance"][:, None].float() / LEVELS,
    }
