"""Vertex colours: from the image where a vertex is seen, from its mirror image where that is seen, else from nearby."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..support import Support
from ..vertex_colors import spread_to_unseen
from .evidence import Evidence
from .symmetry import MirrorPlane

Float64Array = NDArray[np.float64]

_SEEN_WITHIN = 0.006  # m, from the measured surface
_INSET = 1.5  # pixels from the outline, where colours of the background begin to mix in


def color_vertices(
    p_stand: Float64Array,
    image: NDArray[np.uint8],
    evidence: Evidence,
    support: Support,
    mirrors: tuple[MirrorPlane, ...],
) -> NDArray[np.uint8]:
    """sRGB colours [V, 3] of vertices in the stand frame; `image` [H, W, 3] is the frame's."""
    colors = np.zeros((len(p_stand), 3), np.uint8)
    missing = np.ones(len(p_stand), np.bool_)
    for copy in _with_mirrored(p_stand, mirrors):
        seen, pixels = _seen(copy[missing], evidence, support)
        target = np.flatnonzero(missing)[seen]
        colors[target] = image[pixels[seen, 1], pixels[seen, 0]]
        missing[target] = False
    if missing.all():
        colors[:] = _mean_color(image, evidence)
        return colors
    return spread_to_unseen(p_stand, colors, ~missing)


def _with_mirrored(points: Float64Array, mirrors: tuple[MirrorPlane, ...]) -> list[Float64Array]:
    copies = [points, *(mirror.mirror(points) for mirror in mirrors)]
    if len(mirrors) == 2:
        copies.append(mirrors[1].mirror(mirrors[0].mirror(points)))
    return copies


def _seen(p_stand: Float64Array, evidence: Evidence, support: Support) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which points lie on the measured surface, well within the outline, and their pixels u, v [N, 2]."""
    p_cam = support.T_cam_stand.apply(p_stand)
    depth, outline, pixels = evidence.look_up(p_cam)
    with np.errstate(invalid="ignore"):
        seen: NDArray[np.bool_] = (np.abs(depth - p_cam[:, 2]) < _SEEN_WITHIN) & (outline < -_INSET)
    return seen, pixels


def _mean_color(image: NDArray[np.uint8], evidence: Evidence) -> NDArray[np.uint8]:
    v, u = np.nonzero(evidence.outline <= 0)
    inside = image[v + evidence.corner_uv[1], u + evidence.corner_uv[0]]
    return inside.mean(axis=0).astype(np.uint8) if len(inside) else np.full(3, 128, np.uint8)
