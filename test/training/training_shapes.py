"""Boxes and balls on a small grid, as the data of training tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sam3d_ros.model.structure import LAYOUT_CHANNELS


@dataclass(frozen=True)
class Shapes:
    """Occupancy and signed distance of random ellipsoids."""

    count: int = 6
    resolution: int = 16

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        axis = (np.arange(self.resolution) + 0.5) / self.resolution - 0.5
        points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
        radii = rng.uniform(0.15, 0.4, 3)
        distance = (np.linalg.norm(points / radii, axis=-1) - 1) * radii.min() * self.resolution / 3
        levels = np.rint(127 * np.clip(distance, -1, 1)).astype(np.int8)
        return {"occupancy": (distance < 0).astype(np.uint8), "distance": levels}


@dataclass(frozen=True)
class Views:
    """The same shapes with images, pointmaps, labels and layout, all of which tell the shape apart."""

    shapes: Shapes = Shapes()
    pixels: int = 32
    labels: int = 16

    def __len__(self):
        return len(self.shapes)

    def __getitem__(self, index):
        rng, square = np.random.default_rng((1, index)), (self.pixels, self.pixels)
        images = {name: rng.integers(0, 256, (3, *square), np.uint8) for name in ("image", "rgb_image")}
        masks = {name: rng.integers(0, 2, (1, *square), np.uint8) * 255 for name in ("mask", "rgb_image_mask")}
        maps = {name: rng.normal(size=(3, *square)).astype(np.float32) for name in ("pointmap", "rgb_pointmap")}
        maps["pointmap"][:, :4] = np.nan
        layout = {
            f"layout_{name}": rng.normal(size=width).astype(np.float32) for name, width in LAYOUT_CHANNELS.items()
        }
        observed = rng.integers(0, 5, (self.labels,) * 3, np.uint8)
        return {
            **self.shapes[index], **images, **masks, **maps, **layout,
            "observed": observed, "layout_known": np.float32(1.0),
        }  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """The noise of a sample's latent, from its position."""

    tokens: int
    channels: int

    def __call__(self, sample, rng, progress):
        return {**sample, "noise": rng.standard_normal((self.tokens, self.channels), np.float32)}
