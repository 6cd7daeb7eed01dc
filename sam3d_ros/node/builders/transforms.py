"""geometry_msgs/TransformStamped of each object, for the ordinary broadcaster of /tf."""

from __future__ import annotations

from geometry_msgs.msg import TransformStamped
from std_msgs.msg import Header

from ...messages.names import OutputNames
from ...tracking.scene import SceneObject, SceneUpdate
from .common import header_message, quaternion_message, vector_message


def build_transforms(update: SceneUpdate, names: OutputNames) -> list[TransformStamped]:
    """Parent is the output frame, child the object, stamped with the image; one for each object of the update.

    The caller leaves out what it does not know: the old pose of an unseen object in the frame of a moving camera.
    """
    header = header_message(update.stamp_ns, names.frame_id)
    return [_transform(scene_object, header, names) for scene_object in update.objects]


def _transform(scene_object: SceneObject, header: Header, names: OutputNames) -> TransformStamped:
    T_ref_obj = scene_object.T_ref_obj
    message = TransformStamped()
    message.header, message.child_frame_id = header, names.child_frame(scene_object.object_id)
    message.transform.translation = vector_message(T_ref_obj.translation_xyz)
    message.transform.rotation = quaternion_message(T_ref_obj)
    return message
