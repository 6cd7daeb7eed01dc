"""The inside of a bowl, mug or pot belongs to the surface around it, though a rim or a dent separates them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry.plane import Plane

_HOLLOW = (
    -0.08
)  # mean of (point - centre).normal over the mean distance from the centre: negative where it curves inwards
_HOLLOW_CONTACT = 0.2  # share of a hollow region's outline that lies on its outer side
_BOTTOM_CONTACT = 0.55  # share of a lower region's outline that lies on the wall around it
_ROUNDS = 3  # bottom into wall, wall into outer side


def merge_insides(
    labels: NDArray[np.int32], points: NDArray[np.float32], normals: NDArray[np.float32], plane: Plane
) -> NDArray[np.int32]:
    """The label image [H, W] with insides joined to their outer side; pointmap and normals [H, W, 3], optical frame.

    Joined are regions that curve inwards with the region that they touch most, and regions that lie deeper than the one
    region around them. What stands on a larger object is also surrounded by it, but higher.
    """
    for _ in range(_ROUNDS):
        shapes = _measure(labels, points, normals, plane)
        target = _targets(shapes, _contacts(labels, len(shapes.area)))
        if (target == np.arange(len(target))).all():
            break
        labels = target[target[labels]].astype(np.int32)
    return labels


@dataclass(frozen=True, slots=True, eq=False)
class _Shapes:
    """Figures of each region, by label."""

    area: NDArray[np.int64]  # [L] pixels
    hollowness: NDArray[np.float64]  # [L] -1 to 1; negative: curves inwards
    height: NDArray[np.float64]  # [L] mean, above the support plane


def _measure(
    labels: NDArray[np.int32], points: NDArray[np.float32], normals: NDArray[np.float32], plane: Plane
) -> _Shapes:
    count = int(labels.max()) + 1
    sparse = np.s_[::2, ::2]  # means need no more
    used = (labels[sparse] > 0) & np.isfinite(normals[sparse][..., 0])
    region, p, n = labels[sparse][used], points[sparse][used], normals[sparse][used]
    number = np.maximum(np.bincount(region, minlength=count), 1)
    centre = np.stack([np.bincount(region, p[:, i], count) for i in range(3)], axis=1) / number[:, None]
    offset = p - centre[region].astype(np.float32)
    outwards = np.bincount(region, np.einsum("ij,ij->i", offset, n), count)
    spread = np.bincount(region, np.linalg.norm(offset, axis=1), count)
    height = np.bincount(region, plane.signed_distance(p), count) / number
    area = np.bincount(labels.ravel(), minlength=count)
    return _Shapes(area, outwards / np.maximum(spread, 1e-9), height)


def _contacts(labels: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """Length in pixels [L, L] along which each two regions touch; row and column 0 stand for what is no region."""
    pairs = []
    for a, b in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        differs = a != b
        pairs += [a[differs] * count + b[differs], b[differs] * count + a[differs]]
    return np.bincount(np.concatenate(pairs), minlength=count * count).reshape(count, count).astype(np.float64)


def _targets(shapes: _Shapes, contacts: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each region the one that it joins, or itself; a region that takes another one in does not join a third."""
    target = np.arange(len(shapes.area))
    taken = np.zeros(len(target), bool)
    for region in np.argsort(shapes.area[1:], kind="stable") + 1:
        outline = contacts[region].sum()
        neighbour = int(np.argmax(contacts[region, 1:])) + 1
        share = contacts[region, neighbour] / outline if outline else 0.0
        hollow = shapes.hollowness[region] < _HOLLOW and share >= _HOLLOW_CONTACT
        bottom = shapes.height[region] < shapes.height[neighbour] and share >= _BOTTOM_CONTACT
        if (hollow or bottom) and not taken[region] and target[neighbour] == neighbour:
            target[region] = neighbour
            taken[neighbour] = True
    return target
