"""Masks as segmentation networks draw them: ragged, too large or too small, shifted, with parts lost or won."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, shift

from ..synthetic.sensor import smooth_noise
from .arranging import SceneKind

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MaskFlaws:
    """Lengths in pixels of the 640x480 frame."""

    growth: float  # of the whole border, negative = shrunk
    ragged: float  # deviation of the border
    cell: float  # size of the border's waves
    moved: tuple[float, float]
    spilled: float  # share of the mask's area won as a patch beside it
    lost: float  # share of the mask lost as a patch


def draw_mask_flaws(kind: SceneKind, rng: Generator) -> MaskFlaws:
    """Most masks are a little ragged, few are bad."""
    s = {SceneKind.ISOLATED: 0.4, SceneKind.CLUTTER: 0.7, SceneKind.CAMERA: 1.0}[kind]
    bad = rng.random(3) < 0.12 * s
    return MaskFlaws(
        growth=float(np.clip(rng.normal(0.4, 1.3 * s), -3, 4)),
        ragged=float(abs(rng.normal(0, 1.1 * s))),
        cell=float(rng.uniform(1.5, 5)),
        moved=(float(rng.normal(0, 2)), float(rng.normal(0, 2))) if bad[0] else (0.0, 0.0),
        spilled=float(rng.uniform(0.02, 0.2)) if bad[1] else 0.0,
        lost=float(rng.uniform(0.02, 0.25)) if bad[2] else 0.0,
    )


def spoil(mask: Mask, flaws: MaskFlaws, scale: float, rng: Generator) -> Mask:
    """The mask [H, W] of an image that has `scale` pixels to one of the frame, with its flaws; never empty."""
    if not mask.any():
        return mask
    depth = distance_transform_edt(mask) - distance_transform_edt(~mask)  # pixels inside, negative outside
    depth = depth + scale * (flaws.growth + flaws.ragged * smooth_noise(mask.shape, round(flaws.cell * 2) / 2, rng))
    if flaws.moved != (0.0, 0.0):
        depth = shift(depth, (scale * flaws.moved[0], scale * flaws.moved[1]), order=1, mode="nearest")
    spoilt = depth > 0
    if flaws.spilled > 0:
        beside = (depth > -14 * scale) & ~mask
        spoilt |= _patch(mask, beside & (depth > -6 * scale), flaws.spilled, rng) & beside
    if flaws.lost > 0:
        spoilt &= ~_patch(mask, mask, flaws.lost, rng)
    return spoilt if spoilt.sum() >= min(20, mask.sum()) else mask


def _patch(mask: Mask, where: Mask, share: float, rng: Generator) -> Mask:
    """A disc about some pixel of `where` that is not deep in the mask, with `share` of the area of the mask."""
    rows, columns = np.nonzero(where & ~_core(mask))
    if not len(rows):
        return np.zeros_like(mask)
    k = int(rng.integers(len(rows)))
    v, u = np.mgrid[: mask.shape[0], : mask.shape[1]]
    disc: Mask = (v - rows[k]) ** 2 + (u - columns[k]) ** 2 < share * mask.sum() / np.pi
    return disc


def _core(mask: Mask) -> Mask:
    """What lies deep inside."""
    depth = distance_transform_edt(mask)
    core: Mask = depth > 0.5 * depth.max()
    return core
