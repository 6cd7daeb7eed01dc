"""vision_msgs/Detection3DArray: one oriented box for each object."""

from __future__ import annotations

from geometry_msgs.msg import Pose
from vision_msgs.msg import BoundingBox3D, Detection3D, Detection3DArray, ObjectHypothesis, ObjectHypothesisWithPose

from ...geometry import SE3
from ...messages.names import OutputNames
from ...tracking.scene import SceneObject, SceneUpdate
from .common import header_message, pose_message, pose_with_covariance, vector_message


def build_detections(update: SceneUpdate, names: OutputNames) -> Detection3DArray:
    """All living objects; `id` is the object id, `results[0].pose` the object frame with its covariance."""
    detections = [_detection(scene_object, update.stamp_ns, names) for scene_object in update.objects]
    return Detection3DArray(header=header_message(update.stamp_ns, names.frame_id), detections=detections)


def _detection(scene_object: SceneObject, stamp_ns: int, names: OutputNames) -> Detection3D:
    return Detection3D(
        header=header_message(stamp_ns, names.frame_id),
        results=[_hypothesis(scene_object)],
        bbox=BoundingBox3D(center=_box_pose(scene_object), size=vector_message(scene_object.mesh.extents)),
        id=str(scene_object.object_id),
    )


def _hypothesis(scene_object: SceneObject) -> ObjectHypothesisWithPose:
    detection = scene_object.detection
    hypothesis = ObjectHypothesis()
    if detection is not None:
        hypothesis.class_id, hypothesis.score = detection.class_id, float(detection.score)
    pose = pose_with_covariance(scene_object.T_ref_obj, scene_object.covariance)
    return ObjectHypothesisWithPose(hypothesis=hypothesis, pose=pose)


def _box_pose(scene_object: SceneObject) -> Pose:
    """Centre of the box around the mesh; the object's origin, unless a mesh is not centred."""
    mesh = scene_object.mesh
    if not len(mesh.vertices):
        return pose_message(scene_object.T_ref_obj)
    T_obj_box = SE3(SE3.identity().quat_wxyz, mesh.box_centre.astype(float))
    return pose_message(scene_object.T_ref_obj @ T_obj_box)
