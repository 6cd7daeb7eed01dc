"""A scene as messages for a bag, without ROS: the topics, types and contents that the node publishes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...geometry import SE3
from ...pipeline import Quality, Rejection
from ...tracking import ObjectState, SceneObject, SceneUpdate
from .message_types import header, make, rotation, time, transform, xyz

_STATES = {ObjectState.COARSE: 0, ObjectState.COMPLETE: 1, ObjectState.UNSEEN: 2}


def objects_message(update: SceneUpdate, frame_id: str, prefix: str) -> Any:
    """sam3d_ros/ReconstructedObjectArray of all living objects."""
    objects = [_object(item, prefix) for item in update.objects]
    return make("sam3d_ros/ReconstructedObjectArray", header=header(update.stamp_ns, frame_id), objects=objects)


def detections_message(update: SceneUpdate, frame_id: str) -> Any:
    """vision_msgs/Detection3DArray: a box for each object."""
    head = header(update.stamp_ns, frame_id)
    return make(
        "vision_msgs/Detection3DArray", header=head, detections=[_detection(item, head) for item in update.objects]
    )


def rejections_message(update: SceneUpdate, frame_id: str) -> Any:
    """sam3d_ros/RejectionArray; empty when every mask became an object."""
    rejections = [_rejection(rejection) for rejection in update.rejections]
    return make("sam3d_ros/RejectionArray", header=header(update.stamp_ns, frame_id), rejections=rejections)


def transforms_message(update: SceneUpdate, frame_id: str, prefix: str) -> Any:
    """tf2_msgs/TFMessage of all objects."""
    head = header(update.stamp_ns, frame_id)
    stamped = [
        make(
            "geometry_msgs/TransformStamped",
            header=head,
            child_frame_id=f"{prefix}{item.object_id}",
            transform=transform(item.T_ref_obj),
        )
        for item in update.objects
    ]
    return make("tf2_msgs/TFMessage", transforms=stamped)


def _object(item: SceneObject, prefix: str) -> Any:
    detection, mesh = item.detection, item.mesh
    packed = make(
        "sam3d_ros/PackedMesh",
        vertices=mesh.vertices.reshape(-1),
        triangles=mesh.triangles.reshape(-1).view(np.uint32),
        vertex_colors=mesh.vertex_colors.reshape(-1),
    )
    return make(
        "sam3d_ros/ReconstructedObject",
        id=item.object_id,
        label=item.label,
        child_frame_id=f"{prefix}{item.object_id}",
        class_id=detection.class_id if detection else "",
        class_score=float(detection.score) if detection else 0.0,
        state=_STATES[item.state],
        measured=time(item.stamp_ns),
        pose=_pose_with_covariance(item),
        scale=float(item.scale),
        size=xyz("Vector3", mesh.extents),
        mesh_version=item.mesh_version,
        mesh=packed,
        mesh_file="",
        quality=_quality(item.quality),
        latency=_latencies(item.latency_ms),
    )


def _detection(item: SceneObject, head: Any) -> Any:
    detection = item.detection
    hypothesis = make(
        "vision_msgs/ObjectHypothesis",
        class_id=detection.class_id if detection else "",
        score=float(detection.score) if detection else 0.0,
    )
    result = make("vision_msgs/ObjectHypothesisWithPose", hypothesis=hypothesis, pose=_pose_with_covariance(item))
    T_obj_box = (
        SE3(SE3.identity().quat_wxyz, item.mesh.box_centre.astype(np.float64))
        if len(item.mesh.vertices)
        else SE3.identity()
    )
    box = make(
        "vision_msgs/BoundingBox3D", center=_pose(item.T_ref_obj @ T_obj_box), size=xyz("Vector3", item.mesh.extents)
    )
    return make("vision_msgs/Detection3D", header=head, results=[result], bbox=box, id=str(item.object_id))


def _rejection(rejection: Rejection) -> Any:
    return make("sam3d_ros/Rejection", label=rejection.label, reason=rejection.reason.value, detail=rejection.detail)


def _quality(quality: Quality) -> Any:
    return make(
        "sam3d_ros/ObjectQuality",
        residual_rms=float(quality.residual_rms),
        inlier_ratio=float(quality.inlier_ratio),
        mask_iou=float(quality.mask_iou),
        free_space=float(quality.free_space),
        score=float(quality.score),
        depth_points=int(quality.depth_points),
        scale_source=quality.scale_source,
    )


def _latencies(latency_ms: Mapping[str, float]) -> list[Any]:
    return [make("sam3d_ros/StageLatency", stage=name, milliseconds=float(value)) for name, value in latency_ms.items()]


def _pose_with_covariance(item: SceneObject) -> Any:
    covariance = np.ascontiguousarray(item.covariance, np.float64).reshape(36)
    return make("geometry_msgs/PoseWithCovariance", pose=_pose(item.T_ref_obj), covariance=covariance)


def _pose(pose: SE3) -> Any:
    return make("geometry_msgs/Pose", position=xyz("Point", pose.translation_xyz), orientation=rotation(pose))
