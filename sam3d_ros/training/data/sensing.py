"""What a cheap RGB-D camera makes of a perfect picture; how strong its flaws are is drawn for each picture."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_dilation, gaussian_filter, maximum_filter, minimum_filter

from ..synthetic.photograph import Photograph
from ..synthetic.sensor import DepthSensor, smooth_noise
from .arranging import SceneKind
from .shading import Shaded

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SensorDraw:
    """Flaws of one picture; lengths in pixels of the 640x480 frame."""

    depth: DepthSensor
    wave: float  # m at 1 m, depth error that is shared by large patches; grows with the square of the distance
    smear_px: float  # how far depth at borders is drawn out between front and back
    smear_share: float  # of the border that is smeared
    blind_share: float  # of the picture in patches without any depth
    scale_error: float  # relative error of all depth
    blur_px: float  # of the lens
    read_noise: float  # linear light
    shot_noise: float  # linear light at full light
    tint: float  # deviation of the white balance
    exposure: float
    motion_px: float
    jpeg: int  # quality

    def at(self, scale: float) -> SensorDraw:
        """The same flaws in an image that has `scale` pixels to one of the frame."""
        depth = replace(
            self.depth,
            disparity_noise_px=self.depth.disparity_noise_px * scale,
            disparity_step_px=self.depth.disparity_step_px * scale,
            edge_shift_px=self.depth.edge_shift_px * scale,
        )
        smear, motion, blur = self.smear_px * scale, self.motion_px * scale, max(0.3, self.blur_px * scale)
        return replace(self, depth=depth, smear_px=smear, motion_px=motion, blur_px=blur)


def draw_sensor(kind: SceneKind, rng: Generator) -> SensorDraw:
    """Strength 0 to 1 of the flaws by the kind of the scene; one in ten pictures loses large patches of depth."""
    low, high = {SceneKind.ISOLATED: (0.0, 0.35), SceneKind.CLUTTER: (0.1, 0.7), SceneKind.CAMERA: (0.35, 1.0)}[kind]
    s = float(rng.uniform(low, high))
    depth = DepthSensor(
        baseline=float(rng.uniform(0.05, 0.08)),
        disparity_noise_px=0.02 + 0.13 * s * float(rng.uniform(0.4, 1)),
        disparity_step_px=float(rng.choice([1 / 64, 1 / 32, 1 / 16])),
        edge_shift_px=0.3 + 1.6 * s,
        mixed_share=0.6 * s * float(rng.random()),
        grazing_cosine=0.06 + 0.22 * s * float(rng.random()),
        gloss_limit=float(rng.uniform(0.2, 0.7)),
        dark_limit=float(rng.uniform(0.82, 1.05)),
        missing_band=0.0,
        max_depth=float(rng.uniform(2.0, 6.0)),
    )
    blind = rng.uniform(0.1, 0.45) if rng.random() < 0.1 else (rng.uniform(0, 0.06) * s if rng.random() < 0.5 else 0.0)
    return SensorDraw(
        depth=depth,
        wave=0.0025 * s * float(rng.random()),
        smear_px=1 + 4 * s * float(rng.random()),
        smear_share=0.75 * s * float(rng.random()),
        blind_share=float(blind),
        scale_error=float(rng.normal(0, 0.003 * s)),
        blur_px=0.35 + 0.7 * float(rng.random()) * (0.4 + s),
        read_noise=0.012 * s,
        shot_noise=0.02 * s,
        tint=0.06,
        exposure=float(np.exp(rng.normal(0, 0.3))),
        motion_px=float(rng.exponential(2.5)) * s if rng.random() < 0.3 else 0.0,
        jpeg=int(rng.uniform(72, 96)),
    )


def measure_depth(
    depth: NDArray[np.float32], shaded: Shaded, fx: float, draw: SensorDraw, rng: Generator
) -> NDArray[np.uint16]:
    """Depth image [H, W] in millimetres, 0 = none, of true depth in metres (infinite where nothing is)."""
    true = np.where(np.isfinite(depth), depth, 20.0).astype(float)
    true = _smeared(true, draw, rng) * (1 + draw.scale_error)
    true = true + draw.wave * np.minimum(true, 3) ** 2 * smooth_noise(true.shape, 9.0, rng)
    measured = draw.depth.measure(_photograph(true, shaded.facing, shaded.gloss, shaded.darkness), fx, rng)
    if draw.blind_share > 0:
        patches = smooth_noise(depth.shape, float(rng.choice([5.0, 12.0, 20.0])), rng)
        measured[patches > np.quantile(patches, 1 - draw.blind_share)] = 0
    return measured


def _smeared(depth: Array, draw: SensorDraw, rng: Generator) -> Array:
    """Depth beside jumps pulled towards a mean of both sides, in patches."""
    low, high = minimum_filter(depth, 3), maximum_filter(depth, 3)
    jumps = high - low > 0.015 + 0.015 * low
    if not jumps.any():
        return depth
    band = binary_dilation(jumps, iterations=max(1, round(draw.smear_px)))
    near = np.minimum(depth, minimum_filter(depth, 9) + 0.35)  # a far wall does not pull harder than a near one
    mean = gaussian_filter(near, max(0.4, 0.8 * draw.smear_px))
    weight = np.clip(smooth_noise(depth.shape, 1.5, rng) + 2.5 * draw.smear_share - 0.8, 0, 1)
    return np.where(band, depth * (1 - weight) + mean * weight, depth)


def expose(shaded: Shaded, draw: SensorDraw, rng: Generator) -> NDArray[np.uint8]:
    """sRGB image [H, W, 3]: auto-exposure that misses a little, white balance, blur by motion and lens, noise."""
    level = float(np.quantile(shaded.color[::2, ::2].mean(axis=2), 0.75)) + 0.02
    tint = 1 + draw.tint * rng.standard_normal(3, np.float32)
    light = shaded.color * (np.float32(0.45 * draw.exposure / level) * tint)
    if draw.motion_px > 0.5:
        light = _moved(light, draw.motion_px, float(rng.uniform(0, np.pi)))
    light = gaussian_filter(light, (draw.blur_px, draw.blur_px, 0))
    sigma = np.sqrt(np.float32(draw.read_noise**2) + np.float32(draw.shot_noise**2) * light)
    light += sigma * rng.standard_normal(light.shape, np.float32)
    picture: NDArray[np.uint8] = _film()[(light * 512).astype(np.int32).clip(0, 1535)]
    return picture


@lru_cache(maxsize=1)
def _film() -> NDArray[np.uint8]:
    """sRGB value of linear light in steps of 1/512, highlights rolled off instead of clipped."""
    light = (np.arange(1536) + 0.5) / 512
    rolled = np.where(light < 0.7, light, 0.7 + 0.3 * (1 - np.exp((0.7 - light) / 0.3)))
    curve = np.where(rolled <= 0.0031308, 12.92 * rolled, 1.055 * rolled ** (1 / 2.4) - 0.055)
    values: NDArray[np.uint8] = np.rint(255 * curve).astype(np.uint8)
    return values


def _photograph(depth: Array, *planes: NDArray[np.float32]) -> Photograph:
    """A picture without colour, with facing, gloss and darkness."""
    facing, gloss, darkness = (plane.astype(float) for plane in planes)
    return Photograph(np.zeros((*depth.shape, 3)), depth, np.zeros(depth.shape, np.int32), facing, gloss, darkness)


def _moved(color: NDArray[np.float32], length: float, angle: float) -> NDArray[np.float32]:
    """Mean of seven pictures along a straight way of this length in pixels."""
    steps = np.linspace(-0.5, 0.5, 7) * length
    height, width = color.shape[:2]
    total = np.zeros_like(color)
    for dv, du in np.rint(np.outer(steps, [np.sin(angle), np.cos(angle)])).astype(int):
        total += color[np.arange(dv, dv + height).clip(0, height - 1)][:, np.arange(du, du + width).clip(0, width - 1)]
    mean: NDArray[np.float32] = total / np.float32(len(steps))
    return mean


def jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """The image as the camera's driver compresses it, which is also how it is kept."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
