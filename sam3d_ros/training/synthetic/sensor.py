"""What a cheap RGB-D camera and a segmentation network make of a perfect picture.

Depth errors follow the stereo model z = f b / d: noise and quantisation of the disparity d grow with z squared
(Nguyen et al., 3DIMPVT 2012; Keselman et al., "Intel RealSense stereoscopic depth cameras", CVPRW 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates, maximum_filter, minimum_filter

from .photograph import Photograph
from .surface import Array

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, slots=True)
class DepthSensor:
    """Active stereo camera, depth registered to colour."""

    baseline: float = 0.05  # m
    disparity_noise_px: float = 0.09  # standard deviation, correlated over a few pixels
    disparity_step_px: float = 1 / 32
    edge_shift_px: float = 1.3  # how far matching windows smear borders
    mixed_share: float = 0.35  # of border pixels that hang between front and back
    grazing_cosine: float = 0.22  # below it returns fade out
    gloss_limit: float = 0.30  # highlights above it blind the sensor
    dark_limit: float = 0.93  # surface darkness above which returns fade out
    missing_band: float = 0.02  # share of the width without depth at the left border
    max_depth: float = 4.0  # m

    def measure(self, picture: Photograph, fx: float, rng: np.random.Generator) -> NDArray[np.uint16]:
        """Depth image [H, W] in millimetres, 0 = none."""
        depth = _displaced(picture.depth, self.edge_shift_px, rng, cell=2.0)
        depth = self._mixed(depth, rng)
        disparity = fx * self.baseline / depth
        disparity += self.disparity_noise_px * smooth_noise(depth.shape, 1.2, rng)
        disparity = np.round(disparity / self.disparity_step_px) * self.disparity_step_px
        measured = fx * self.baseline / np.maximum(disparity, 1e-3)
        lost = self._lost(picture, disparity, rng) | ~np.isfinite(measured) | (measured > self.max_depth)
        return np.where(lost, 0, np.rint(np.nan_to_num(measured, nan=0.0, posinf=0.0) * 1000)).astype(np.uint16)

    def _mixed(self, depth: Array, rng: np.random.Generator) -> Array:
        """Flying pixels: some border pixels get a depth between the two surfaces."""
        low, high = minimum_filter(depth, 3), maximum_filter(depth, 3)
        border = (high - low) > 0.02 + 0.02 * depth
        chosen = border & (rng.random(depth.shape) < self.mixed_share)
        between = low + rng.random(depth.shape) * (high - low)
        return np.where(chosen, between, depth)

    def _lost(self, picture: Photograph, disparity: Array, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Pixels without a return: occluded for the second imager, grazing, glossy, dark, left band, specks."""
        doubt = 0.5 + 0.25 * smooth_noise(disparity.shape, 2.0, rng)
        grazing = picture.facing < self.grazing_cosine * (0.5 + doubt)
        glossy = picture.gloss > self.gloss_limit * (0.5 + doubt)
        dark = picture.darkness > self.dark_limit + 0.1 * (doubt - 0.5)
        band = np.arange(disparity.shape[1]) < self.missing_band * disparity.shape[1]
        specks = smooth_noise(disparity.shape, 2.5, rng) > 3.1
        lost: NDArray[np.bool_] = _occluded(disparity) | grazing | glossy | dark | band[None] | specks
        return lost


@dataclass(frozen=True, slots=True)
class ColorSensor:
    """Colour imager: slight blur, shot and read noise, vignette, white balance that is never quite right."""

    blur_px: float = 0.55
    shot_noise: float = 0.010
    read_noise: float = 0.005
    vignette: float = 0.12
    tint: float = 0.02

    def expose(self, picture: Photograph, rng: np.random.Generator) -> NDArray[np.uint8]:
        """sRGB image [H, W, 3]."""
        height, width = picture.depth.shape
        v, u = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        light = picture.color * (1 - self.vignette * (u * u + v * v) / 2)[..., None]
        light = light * (1 + self.tint * rng.standard_normal(3))
        light = gaussian_filter(light, (self.blur_px, self.blur_px, 0))
        sigma = np.sqrt(self.read_noise**2 + self.shot_noise**2 * np.clip(light, 0, 1))
        light = light + sigma * rng.standard_normal(light.shape, np.float32)
        return np.rint(255 * _srgb(_shoulder(light))).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class MaskNoise:
    """Masks as networks draw them: borders ragged by a few pixels, each a little too large or too small."""

    ragged_px: float = 1.0
    growth_px: float = 0.7  # largest growth or shrinkage

    def draw(self, labels: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.int32]:
        """Label image [H, W] with spoilt borders."""
        grown = labels
        for label in np.unique(labels[labels > 0]):
            grown = _grow(grown, int(label), rng.uniform(-self.growth_px, self.growth_px), rng)
        return _displaced(grown, self.ragged_px, rng, cell=3.0)


def _grow(labels: NDArray[np.int32], label: int, amount: float, rng: np.random.Generator) -> NDArray[np.int32]:
    """Grow (or shrink, amount < 0) one mask by about `amount` pixels; only background is won, only border is lost."""
    mask = labels == label
    soft = gaussian_filter(mask.astype(np.float32), 1.5) + 0.06 * smooth_noise(mask.shape, 3.0, rng).astype(np.float32)
    wanted = soft > 0.5 - 0.25 * amount
    kept = np.where(mask & ~wanted, 0, labels)
    return np.where(wanted & (labels == 0), label, kept).astype(np.int32)


def _displaced(image: NDArray[Number], size: float, rng: np.random.Generator, *, cell: float) -> NDArray[Number]:
    """Each pixel taken from a neighbour about `size` pixels away; neighbours within `cell` move together."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    rows = rows + size * smooth_noise(image.shape, cell, rng)
    columns = columns + size * smooth_noise(image.shape, cell, rng)
    moved: NDArray[Number] = map_coordinates(image, [rows, columns], order=0, mode="nearest")
    return moved


def smooth_noise(shape: tuple[int, ...], cell: float, rng: np.random.Generator) -> Array:
    """Smooth noise of unit deviation with features of `cell` pixels: a random cut of a field that repeats."""
    rows, columns = (int(rng.integers(size)) for size in shape)
    field = np.roll(_noise_field(shape, cell), (rows, columns), axis=(0, 1))
    return field if rng.random() < 0.5 else -field


@lru_cache(maxsize=16)
def _noise_field(shape: tuple[int, ...], cell: float) -> Array:
    raw = gaussian_filter(np.random.default_rng(round(1000 * cell)).standard_normal(shape), cell, mode="wrap")
    field: Array = raw / raw.std()
    return field


def _occluded(disparity: Array) -> NDArray[np.bool_]:
    """Pixels [H, W] that the second imager, to the right, cannot see because something nearer hides them."""
    column = np.arange(disparity.shape[1])[None] - np.nan_to_num(disparity)
    nearest = np.minimum.accumulate(column[:, ::-1], axis=1)[:, ::-1]
    hidden = np.zeros(disparity.shape, bool)
    hidden[:, :-1] = column[:, :-1] > nearest[:, 1:] + 0.75
    return hidden


def _shoulder(light: Array) -> Array:
    """Roll highlights off instead of clipping them."""
    bright = np.maximum(light, 0)
    return np.where(bright < 0.7, bright, 0.7 + 0.3 * (1 - np.exp(-(bright - 0.7) / 0.3)))


def _srgb(linear: Array) -> Array:
    """IEC 61966-2-1 transfer function of linear values 0-1."""
    x = np.clip(linear, 0, 1)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-9) ** (1 / 2.4) - 0.055)
