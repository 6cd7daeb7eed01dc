"""3D Gaussians: an object's appearance as coloured, half-transparent ellipsoids (Kerbl et al., SIGGRAPH 2023)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .transforms import Sim3

FloatArray = NDArray[np.float32]

_SH_0 = 0.28209479177387814  # the constant spherical harmonic, 1 / (2 sqrt(pi))


class GaussiansError(ValueError):
    """Arrays that are no set of Gaussians; the message says which one and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Gaussians:
    """Ellipsoids in the object frame of the mesh beside them, in metres; colours are sRGB and alike from all sides."""

    means: FloatArray  # [G, 3] metres
    scales: FloatArray  # [G, 3] metres, standard deviation along each axis of the ellipsoid
    quat_wxyz: FloatArray  # [G, 4] unit, ellipsoid axes to object frame
    opacities: FloatArray  # [G] 0-1
    sh_dc: FloatArray  # [G, 3] constant term of the spherical harmonics of the colour

    def __post_init__(self) -> None:
        for name, width in (("means", 3), ("scales", 3), ("quat_wxyz", 4), ("opacities", None), ("sh_dc", 3)):
            self._settle(name, width)
        if len(self.scales) and self.scales.min() <= 0:
            raise GaussiansError(f"scales must be positive, the smallest is {self.scales.min()}")
        if len(self.opacities) and not 0 <= self.opacities.min() <= self.opacities.max() <= 1:
            raise GaussiansError(f"opacities must lie in 0..1, got {self.opacities.min()}..{self.opacities.max()}")
        lengths = np.linalg.norm(self.quat_wxyz, axis=1, keepdims=True)
        if len(lengths) and lengths.min() < 1e-9:
            raise GaussiansError(f"quat_wxyz[{int(lengths.argmin())}] is zero: no rotation")
        object.__setattr__(self, "quat_wxyz", self.quat_wxyz / lengths)

    def _settle(self, name: str, width: int | None) -> None:
        """Store one field as contiguous float32 after checking its shape and numbers."""
        array = np.ascontiguousarray(getattr(self, name), np.float32)
        expected = (len(self.means),) if width is None else (len(self.means), width)
        if array.shape != expected:
            raise GaussiansError(f"{name} must have shape {list(expected)}, got {list(array.shape)}")
        if not np.isfinite(array).all():
            raise GaussiansError(f"{name} holds NaN or Inf")
        object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.means)

    @property
    def colors(self) -> NDArray[np.uint8]:
        """sRGB colours, [G, 3]."""
        value: NDArray[np.float32] = np.clip(_SH_0 * self.sh_dc + 0.5, 0, 1)
        return np.rint(value * 255).astype(np.uint8)

    def rotations(self) -> FloatArray:
        """Rotation matrices [G, 3, 3] whose columns are the ellipsoids' axes in the object frame."""
        w, x, y, z = self.quat_wxyz.T
        rows = [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    def transformed(self, T_b_a: Sim3) -> Gaussians:
        """The Gaussians of frame a in frame b: centres moved, axes turned, sizes scaled; colours stay."""
        quat_wxyz = _product(T_b_a.quat_wxyz, self.quat_wxyz.astype(np.float64))
        scales = self.scales * np.float32(T_b_a.scale)
        means = T_b_a.apply(self.means).astype(np.float32)
        return Gaussians(means, scales, quat_wxyz.astype(np.float32), self.opacities, self.sh_dc)


def sh_dc_from_srgb(srgb: NDArray[np.uint8]) -> FloatArray:
    """The constant harmonic [..., 3] of 8-bit sRGB colours, as `Gaussians.sh_dc` has it."""
    sh_dc: FloatArray = (srgb.astype(np.float32) / 255 - 0.5) / np.float32(_SH_0)
    return sh_dc


def _product(quat_wxyz: NDArray[np.float64], others_wxyz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hamilton product of one quaternion [4] with each of others [G, 4]."""
    w, x, y, z = quat_wxyz
    left = np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]])
    turned: NDArray[np.float64] = others_wxyz @ left.T
    return turned
