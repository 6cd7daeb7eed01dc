"""The colours of Gaussians as a colour field: each place as a viewer straight above it would see it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ...geometry.gaussians import Gaussians
from .bake import ColourField

FloatArray = NDArray[np.float32]

_NEIGHBOURS = 24  # Gaussians that may colour a place
_BATCH = 50_000  # places at a time
_FAINT = 1e-3  # held back light below which only the nearest Gaussian counts


def gaussian_colours(gaussians: Gaussians) -> ColourField:
    """What the Gaussians near each point show along its normal, blended from the outside to the inside.

    Colours of Gaussians beneath the surface, which no picture ever showed, are covered as they are in a rendering.
    Raises ValueError for no Gaussians.
    """
    if not len(gaussians):
        raise ValueError("without Gaussians there are no colours")
    tree = cKDTree(gaussians.means)
    whitening = np.swapaxes(gaussians.rotations(), 1, 2) / gaussians.scales[:, :, None]  # [G, 3, 3]
    palette = gaussians.colors.astype(np.float32)
    count = min(_NEIGHBOURS, len(gaussians))

    def colours(points: FloatArray, normals: FloatArray) -> NDArray[np.uint8]:
        answer = np.empty((len(points), 3), np.uint8)
        for start in range(0, len(points), _BATCH):
            part = slice(start, start + _BATCH)
            _, near = tree.query(points[part], k=np.arange(1, count + 1))
            to_mean = gaussians.means[near] - points[part, None]
            weights = _blending_weights(whitening[near], to_mean, normals[part], gaussians.opacities[near])
            answer[part] = np.rint(np.einsum("nk,nkc->nc", weights, palette[near])).clip(0, 255)
        return answer

    return colours


def _blending_weights(
    whitening: FloatArray, to_mean: FloatArray, normals: FloatArray, opacities: FloatArray
) -> FloatArray:
    """Share [N, K] of each of K Gaussians in what is seen of N places from above; they sum to 1.

    `whitening` [N, K, 3, 3] turns a Gaussian into the unit ball, in which the ray through the place is a line: its
    nearest distance to the centre says how much of the Gaussian it meets, and where.
    """
    centre = np.einsum("nkij,nkj->nki", whitening, to_mean)
    ray = np.einsum("nkij,nj->nki", whitening, normals)
    height = np.einsum("nki,nki->nk", centre, ray) / np.einsum("nki,nki->nk", ray, ray)  # along the normal, metres
    missed = ((centre - height[..., None] * ray) ** 2).sum(axis=2)
    alpha = opacities * np.exp(-missed / 2)
    order = np.argsort(-height, axis=1)
    sorted_alpha = np.take_along_axis(alpha, order, axis=1)
    passed = np.cumprod(1 - sorted_alpha, axis=1)
    seen = sorted_alpha * np.concatenate([np.ones_like(passed[:, :1]), passed[:, :-1]], axis=1)
    weights = np.zeros_like(alpha)
    np.put_along_axis(weights, order, seen, axis=1)
    total = weights.sum(axis=1, keepdims=True)
    nearest = np.eye(1, alpha.shape[1], dtype=np.float32)  # the first neighbour is the nearest
    return np.where(total > _FAINT, weights / np.maximum(total, _FAINT), nearest)
