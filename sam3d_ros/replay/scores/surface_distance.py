"""Distance of points from a mesh."""

from __future__ import annotations

from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from ...geometry import Mesh


def distance_to_surface(points: NDArray[np.floating], mesh: Mesh) -> NDArray[np.float32]:
    """Distance in metres of points [N, 3] from the nearest point of the mesh, in the frame of the mesh, [N]."""
    scene: Any = o3d.t.geometry.RaycastingScene()
    from_numpy = o3d.core.Tensor.from_numpy
    scene.add_triangles(from_numpy(mesh.vertices), from_numpy(mesh.triangles.astype(np.uint32)))
    distance: NDArray[np.float32] = scene.compute_distance(from_numpy(points.astype(np.float32))).numpy()
    return distance
