"""Approximate convex decomposition by CoACD (Wei et al., SIGGRAPH 2022), an optional dependency."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from ..geometry import Mesh
from ..pipeline.finish import is_watertight  # brings Open3D, which cannot be imported after coacd

_CONCAVITY = 0.08  # of the mesh's size; finer than this, planners get slower faster than paths get better
_MAX_PARTS = 16


class DecompositionUnavailableError(RuntimeError):
    """The package coacd is not installed."""


def require_decomposition() -> None:
    """Raise DecompositionUnavailableError where convex decomposition cannot work; ask before it is needed."""
    if find_spec("coacd") is None:
        raise DecompositionUnavailableError(
            "convex decomposition needs the package coacd: pip install coacd, or choose the collision form hull"
        )


def convex_parts(mesh: Mesh) -> list[Mesh]:
    """Convex pieces that together cover the mesh."""
    require_decomposition()
    import coacd

    coacd.set_log_level("error")
    shape = coacd.Mesh(mesh.vertices.astype(np.float64), mesh.triangles)
    remeshing = "off" if is_watertight(mesh) else "auto"  # most of the time, and closed meshes do not need it
    parts = coacd.run_coacd(shape, threshold=_CONCAVITY, max_convex_hull=_MAX_PARTS, preprocess_mode=remeshing, seed=0)
    return [_grey(vertices, triangles) for vertices, triangles in parts]


def _grey(vertices: np.ndarray, triangles: np.ndarray) -> Mesh:
    return Mesh(vertices, triangles, np.full((len(vertices), 3), 128, np.uint8))
