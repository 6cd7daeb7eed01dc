"""Whether light reaches a point."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]


class Occluders:
    """Triangles that stand in the way of light."""

    def __init__(self, parts: Iterable[tuple[NDArray[np.floating], NDArray[np.int32]]]) -> None:
        """Each part is vertices [V, 3] and triangles [T, 3], all in one frame."""
        self._scene: Any = o3d.t.geometry.RaycastingScene()
        for vertices, triangles in parts:
            self._scene.add_triangles(
                o3d.core.Tensor.from_numpy(vertices.astype(np.float32)),
                o3d.core.Tensor.from_numpy(triangles.astype(np.uint32)),
            )

    def hide(self, points: Float32Array, directions: Float32Array) -> NDArray[np.bool_]:
        """Whether a ray from each point [..., 3] in its direction [..., 3] or [3] meets a triangle, [...]."""
        rays = np.concatenate([points, np.broadcast_to(directions, points.shape)], axis=-1, dtype=np.float32)
        hidden: NDArray[np.bool_] = self._scene.test_occlusions(o3d.core.Tensor.from_numpy(rays)).numpy()
        return hidden
