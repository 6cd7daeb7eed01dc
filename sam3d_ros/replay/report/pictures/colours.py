"""Colours that mean something: one per label, a ramp for depth, a ramp for errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rgb = tuple[int, int, int]

# Knots of ramps with steadily growing lightness, so that they also work in grey print; sRGB.
_DEPTH_KNOTS = np.array(
    [[252, 240, 196], [244, 190, 116], [226, 122, 96], [170, 74, 116], [104, 58, 126], [48, 46, 98], [20, 26, 52]],
    np.float64,
)
_ERROR_KNOTS = np.array([[236, 240, 244], [160, 200, 224], [246, 214, 120], [232, 134, 62], [176, 32, 44]], float)
_NO_DEPTH = np.array([128, 132, 138], np.uint8)
# The golden ratio spreads any number of hues evenly, whatever the labels are.
_HUE_STEP = 0.61803398875


def label_color(label: int) -> Rgb:
    """The colour of a label, the same in every picture and table: fixed lightness, hue by label (OKLCH)."""
    hue = 2 * np.pi * ((label - 1) * _HUE_STEP + 0.08)
    red, green, blue = oklch_to_srgb(0.72, 0.15, hue)
    return int(red), int(green), int(blue)


def oklch_to_srgb(lightness: float, chroma: float, hue: float) -> NDArray[np.uint8]:
    """A colour of the OKLab space (Ottosson 2020) in polar form as sRGB, [3], clipped to the gamut."""
    a, b = chroma * np.cos(hue), chroma * np.sin(hue)
    cube_roots = np.array(
        [
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.2914855480 * b,
        ]
    )
    to_linear = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    return linear_to_srgb(to_linear @ cube_roots**3)


def srgb_to_linear(srgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Light intensity 0-1 of 8-bit sRGB (IEC 61966-2-1)."""
    value = srgb.astype(np.float32) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def linear_to_srgb(linear: ArrayLike) -> NDArray[np.uint8]:
    """8-bit sRGB of light intensity, clipped to 0-1 (IEC 61966-2-1)."""
    value = np.clip(np.asarray(linear), 0, 1)
    encoded = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    srgb: NDArray[np.uint8] = np.rint(255 * encoded).astype(np.uint8)
    return srgb


def depth_range(depth: NDArray[np.float32]) -> tuple[float, float]:
    """Nearest and farthest depth to show in metres, stray readings left out; 0, 1 where there is no depth."""
    valid = depth[np.isfinite(depth)]
    if not len(valid):
        return 0.0, 1.0
    near, far = (float(value) for value in np.quantile(valid, [0.01, 0.99]))
    return near, max(far, near + 1e-3)


def color_depth(depth: NDArray[np.float32], near: float, far: float) -> NDArray[np.uint8]:
    """Depth [H, W] as sRGB, near light and far dark; grey where there is no reading."""
    picture = _ramp(_DEPTH_KNOTS, (np.nan_to_num(depth) - near) / (far - near))
    picture[~np.isfinite(depth)] = _NO_DEPTH
    return picture


def color_error(distance: NDArray[np.floating], largest: float) -> NDArray[np.uint8]:
    """Distances [N] as sRGB [N, 3], from pale (0) over yellow to red (`largest` and beyond)."""
    return _ramp(_ERROR_KNOTS, distance / largest)


def ramp_css(ramp: str) -> str:
    """The ramp "depth" or "error" as a CSS gradient, for legends."""
    knots = {"depth": _DEPTH_KNOTS, "error": _ERROR_KNOTS}[ramp]
    return "linear-gradient(90deg," + ",".join(f"rgb({r:.0f} {g:.0f} {b:.0f})" for r, g, b in knots) + ")"


def _ramp(knots: NDArray[np.float64], value: NDArray[np.floating]) -> NDArray[np.uint8]:
    position = np.clip(value, 0, 1) * (len(knots) - 1)
    channels = [np.interp(position, np.arange(len(knots)), knots[:, channel]) for channel in range(3)]
    srgb: NDArray[np.uint8] = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    return srgb
