"""geometry_msgs/TransformStamped of each object, for the ordinary broadcaster of /tf."""

from __future__ import annotations

from geometry_msgs.msg import Transform, TransformStamped

from ...tracking.scene import ObjectState, SceneObject, SceneUpdate
from .common import OutputNames, header_message, quaternion_message, vector_message


def build_transforms(update: SceneUpdate, names: OutputNames) -> list[TransformStamped]:
    """Parent is the output frame, child the object; only objects that this frame shows.

    To repeat the old pose of an unseen object under a new stamp would be a lie as soon as the camera moves.
    """
    seen = [scene_object for scene_object in update.objects if scene_object.state is not ObjectState.UNSEEN]
    return [_transform(scene_object, update.stamp_ns, names) for scene_object in seen]


def _transform(scene_object: SceneObject, stamp_ns: int, names: OutputNames) -> TransformStamped:
    T_ref_obj = scene_object.T_ref_obj
    return TransformStamped(
        header=header_message(stamp_ns, names.frame_id),
        child_frame_id=names.child_frame(scene_object.object_id),
        transform=Transform(
            translation=vector_message(T_ref_obj.translation_xyz), rotation=quaternion_message(T_ref_obj)
        ),
    )
