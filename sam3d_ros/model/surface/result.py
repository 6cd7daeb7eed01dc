"""The triangle mesh that comes out."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Surface:
    """A triangle mesh in the canonical object frame (z up) of the cube [-0.5, 0.5]^3; may be empty."""

    vertices: torch.Tensor  # [V, 3]
    faces: torch.Tensor  # [F, 3] int64, counter-clockwise seen from outside
    attributes: torch.Tensor  # [V, 6] in 0-1: red, green, blue, normal x, y, z; [V, 0] of a plain grid

    @property
    def colours(self) -> torch.Tensor:
        """Red, green, blue in 0-1 [V, 3]; [V, 0] where there are none."""
        return self.attributes[:, :3]
