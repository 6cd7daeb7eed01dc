"""The plain way through a frame of known objects, as an alternative to measure the node against: one object after the
other, each mask by comparing the label image, each pose by Open3D's point-to-plane ICP, the same messages to the same
publishers. It has no outline, covariance or overlap, matches masks by their label alone and never doubts a pose.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import open3d as o3d

from sam3d_ros.geometry import SE3
from sam3d_ros.geometry.sampling import sample_surface
from sam3d_ros.node.outputs import OutputFrame, Outputs
from sam3d_ros.pipeline import Frame, Quality
from sam3d_ros.pipeline.frame_messages import FrameMessages, decode_frame
from sam3d_ros.tracking import SceneObject, SceneUpdate

_POINTS, _SAMPLES, _REACH = 200, 1500, 0.02  # of a mask, of a mesh, m


class PlainWalk:
    """Follows the objects that it is given and publishes as the node does."""

    def __init__(self, objects: tuple[SceneObject, ...], outputs: Outputs) -> None:
        self._objects = objects
        self._outputs = outputs
        self._clouds = {item.object_id: _cloud_of(item) for item in objects}

    def handle(self, messages: FrameMessages) -> None:
        """Follow and publish one frame."""
        frame = decode_frame(messages)
        self._objects = tuple(self._followed(item, frame) for item in self._objects)
        update = SceneUpdate(frame.stamp_ns, self._objects, (), (), final=True)
        self._outputs.publish(update, OutputFrame(frame.stamp_ns, frame.frame_id))

    def _followed(self, item: SceneObject, frame: Frame) -> SceneObject:
        points = frame.pointmap[frame.labels == item.label].astype(np.float64)
        points = points[np.isfinite(points).all(axis=1)]
        seen = o3d.geometry.PointCloud()
        seen.points = o3d.utility.Vector3dVector(points[np.arange(_POINTS) * len(points) // _POINTS])
        pipeline = o3d.pipelines.registration
        result = pipeline.registration_icp(
            seen,
            self._clouds[item.object_id],
            _REACH,
            item.T_ref_obj.inverse().as_matrix(),
            pipeline.TransformationEstimationPointToPlane(pipeline.TukeyLoss(_REACH / 2)),
            pipeline.ICPConvergenceCriteria(1e-4, 1e-4, 10),
        )
        quality = Quality(result.inlier_rmse, result.fitness, depth_points=_POINTS)
        pose = SE3.from_matrix(np.linalg.inv(result.transformation))
        return replace(item, T_ref_obj=pose, quality=quality, stamp_ns=frame.stamp_ns)


def _cloud_of(item: SceneObject) -> o3d.geometry.PointCloud:
    """Samples of the surface, object frame."""
    sampled = sample_surface(item.mesh, _SAMPLES, 0)
    cloud = o3d.geometry.PointCloud()
    cloud.points = o3d.utility.Vector3dVector(sampled.points)
    cloud.normals = o3d.utility.Vector3dVector(sampled.normals)
    return cloud
