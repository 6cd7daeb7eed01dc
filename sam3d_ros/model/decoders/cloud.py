"""Gaussians of an object."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

# Value of the constant spherical harmonic.
_SH_DC = 0.28209479177387814


@dataclass(frozen=True, slots=True)
class GaussianCloud:
    """Anisotropic Gaussians in the canonical frame of an object: its cube is [-0.5, 0.5]^3, z up."""

    means: Tensor  # [G, 3]
    scales: Tensor  # [G, 3] standard deviations along the Gaussian's own axes
    quat_wxyz: Tensor  # [G, 4] unit, own axes -> canonical
    opacities: Tensor  # [G] in (0, 1)
    sh_dc: Tensor  # [G, 3] constant spherical harmonic of red, green, blue

    @property
    def colours(self) -> Tensor:
        """Red, green, blue [G, 3]; mostly within [0, 1], not clipped."""
        return _SH_DC * self.sh_dc + 0.5
