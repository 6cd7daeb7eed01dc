"""A stereo depth camera and a segmentation network as the benchmarks see them: what they make of a perfect depth image.

Written apart from the sensor that training data go through, and from other principles: here two views are matched, so
that noise and steps live in disparity, outlines fatten, what only one eye sees has no depth, and matches at outlines
mix both sides. Lengths are metres and pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

FloatImage = NDArray[np.float64]
BoolImage = NDArray[np.bool_]
Labels = NDArray[np.int32]

_NOTHING = 8.0  # m, where rays meet nothing


@dataclass(frozen=True, slots=True)
class Flaws:
    """How bad depth and masks are."""

    baseline: float = 0.05  # m, between the two eyes
    disparity_noise: float = 0.055  # px, standard deviation, correlated over some pixels
    disparity_wave: float = 0.03  # px, the same error over a whole patch
    disparity_step: float = 1 / 32  # px, of the matcher
    wander: float = 0.6  # px, how far outlines in the depth image stray from the true ones
    mixed: float = 0.35  # share of the pixels at outlines whose depth lies between both sides
    speckles: float = 0.0  # share of the pixels at outlines that read something else altogether
    grazing: float = 0.14  # cosine of incidence below which little comes back
    dark: float = 0.03  # luminance (0-1, linear) below which little comes back
    lost: float = 0.004  # share of pixels without depth anywhere
    mask_wander: float = 0.8  # px, how far mask borders stray
    mask_growth: tuple[int, int] = (0, 1)  # px, least and most that a mask is too large


ORDINARY = Flaws()
# Bad masks over bad borders: what takes a convex hull of the visible points to several times the object.
STRAY = Flaws(mixed=0.85, speckles=0.0004, wander=1.2, mask_wander=1.5, mask_growth=(2, 6))


def measure_depth(
    depth: NDArray[np.floating],
    cosine: NDArray[np.floating],
    luminance: NDArray[np.floating],
    *,
    focal: float,
    flaws: Flaws,
    rng: Generator,
) -> FloatImage:
    """Measured depth [H, W] in metres, NaN = none, of a true depth image in which NaN is nothing.

    `cosine` is that of the angle between surface normal and line of sight, `luminance` that of the surface, 0-1.
    """
    true = np.nan_to_num(depth.astype(np.float64), nan=_NOTHING)
    shadow = _seen_by_one_eye(focal * flaws.baseline / true)
    dim = (np.abs(cosine) < flaws.grazing) | (luminance < flaws.dark)
    holes = shadow | (dim & (_smooth(true.shape, 1.5, rng) > -0.4)) | (rng.random(true.shape) < flaws.lost)
    found = _wandered(true, flaws.wander, rng)
    found = _mixed(found, flaws, rng)
    disparity = focal * flaws.baseline / found
    disparity += flaws.disparity_noise * _smooth(true.shape, 0.9, rng)
    disparity += flaws.disparity_wave * _smooth(true.shape, 12.0, rng)
    disparity = np.round(disparity / flaws.disparity_step) * flaws.disparity_step
    measured = np.round(focal * flaws.baseline / np.maximum(disparity, 1e-3), 3)
    return np.where(holes | (measured >= 0.8 * _NOTHING), np.nan, measured)


def draw_masks(labels: Labels, depth: NDArray[np.floating], flaws: Flaws, rng: Generator) -> Labels:
    """Label image [H, W] as a network would draw it: each mask grown a little, the nearest over the others, ragged."""
    grown = np.zeros_like(labels)
    order = sorted((int(k) for k in np.unique(labels) if k), key=lambda k: -float(np.nanmedian(depth[labels == k])))
    for label in order:
        mask = labels == label
        pixels = int(rng.integers(flaws.mask_growth[0], flaws.mask_growth[1] + 1))
        distance = ndimage.distance_transform_edt(~mask)
        grown[distance <= pixels] = label
    return _wandered(grown, flaws.mask_wander, rng, waves=3.0)


def _smooth(shape: tuple[int, ...], sigma: float, rng: Generator) -> FloatImage:
    """Noise of mean 0 and deviation 1 whose bumps are some `sigma` pixels wide."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), sigma)
    smooth: FloatImage = noise / noise.std()
    return smooth


def _wandered(image: NDArray, pixels: float, rng: Generator, *, waves: float = 1.2) -> NDArray:
    """The image read beside each pixel, on average `pixels` away in both directions."""
    height, width = image.shape
    v, u = np.mgrid[:height, :width]
    dv, du = (np.rint(pixels * _smooth(image.shape, waves, rng)).astype(int) for _ in range(2))
    return image[(v + dv).clip(0, height - 1), (u + du).clip(0, width - 1)]


def _mixed(depth: FloatImage, flaws: Flaws, rng: Generator) -> FloatImage:
    """Depth at jumps between both sides for some pixels, and anything at all for a few."""
    near, far = ndimage.minimum_filter(depth, 3), ndimage.maximum_filter(depth, 3)
    edge = far - near > 0.02
    weight = rng.random(depth.shape)
    between = 1 / (weight / near + (1 - weight) / np.minimum(far, near + 0.3))  # a matcher mixes disparities
    chosen = edge & (rng.random(depth.shape) < flaws.mixed)
    depth = np.where(chosen, between, depth)
    wild = ndimage.binary_dilation(edge, iterations=2) & (rng.random(depth.shape) < flaws.speckles)
    return np.where(wild, near * rng.uniform(0.6, 1.6, depth.shape), depth)


def _seen_by_one_eye(disparity: FloatImage) -> BoolImage:
    """Pixels [H, W] whose match in the other eye, `disparity` pixels to the left, is covered by something nearer."""
    height, width = disparity.shape
    v, u = np.mgrid[:height, :width]
    column = np.rint(u - disparity).astype(int)
    inside = column >= 0
    nearest = np.zeros_like(disparity)
    np.maximum.at(nearest, (v[inside], column[inside]), disparity[inside])
    covered = np.zeros(disparity.shape, np.bool_)
    covered[inside] = nearest[v[inside], column[inside]] > disparity[inside] + 1.0
    return ndimage.binary_opening(covered, np.ones((1, 2), np.bool_))
