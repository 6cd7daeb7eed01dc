"""sensor_msgs/PointCloud2 of the completed surfaces, for planners that read clouds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField

from ...geometry import Mesh
from ...geometry.sampling import SurfaceSamples, sample_surface, triangle_areas
from ...messages.names import OutputNames
from ...messages.version_cache import VersionCache
from ...tracking.scene import SceneObject, SceneUpdate
from .common import header_message, packed

# PCL's convention: the colour is one float whose bits are 0x00RRGGBB.
_POINT = np.dtype([("xyz", "<f4", 3), ("bgr0", "u1", 4)])
_FIELDS = [
    PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
    for index, name in enumerate(("x", "y", "z", "rgb"))
]


class SurfaceClouds:
    """Points spread evenly over the meshes, sampled once for each mesh version and then moved with the object."""

    def __init__(self, *, spacing: float = 0.003, max_points: int = 5_000) -> None:
        self._per_m2 = 1.0 / spacing**2
        self._max_points = max_points  # of one object
        self._cache: VersionCache[SurfaceSamples] = VersionCache(self._sample)

    def build(self, update: SceneUpdate, names: OutputNames) -> PointCloud2:
        """One unorganised cloud of all living objects in the output frame."""
        self._cache.keep_only(update)
        parts = [self._points(scene_object) for scene_object in update.objects]
        points = np.concatenate([np.zeros(0, _POINT), *parts])
        return PointCloud2(
            header=header_message(update.stamp_ns, names.frame_id),
            height=1,
            width=len(points),
            fields=_FIELDS,
            is_bigendian=False,
            point_step=_POINT.itemsize,
            row_step=points.nbytes,
            data=packed(points.view(np.uint8)),
            is_dense=True,
        )

    def _points(self, scene_object: SceneObject) -> NDArray[np.void]:
        samples = self._cache.get(scene_object)
        points = np.zeros(len(samples.points), _POINT)
        points["xyz"] = scene_object.T_ref_obj.apply(samples.points)
        points["bgr0"][:, :3] = samples.colors[:, ::-1]
        return points

    def _sample(self, mesh: Mesh) -> SurfaceSamples:
        area = float(triangle_areas(mesh).sum())
        if area <= 0.0:
            return SurfaceSamples(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3), np.uint8))
        count = int(np.clip(area * self._per_m2, 1, self._max_points))
        return sample_surface(mesh, count, seed=0)
