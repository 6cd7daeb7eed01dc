"""Bags with true poses beside what the camera saw, as a motion capture system records them."""

from __future__ import annotations

import numpy as np

from sam3d_ros.geometry import SE3
from sam3d_ros.replay.bags.bag import Bag
from sam3d_ros.replay.bags.bag_writer import BagWriter
from sam3d_ros.replay.bags.message_types import header, make, rotation, xyz

TRUE_TOPIC = "/ground_truth/objects"


def pose_message(pose: SE3):
    return make("geometry_msgs/Pose", position=xyz("Point", pose.translation_xyz), orientation=rotation(pose))


def true_detections(shot, frame_id="map"):
    """What a motion capture system might say of the objects of a frame."""
    head = header(shot.frame.stamp_ns + 2_000_000, frame_id)
    found = []
    for placed in shot.objects:
        T_frame_box = placed.T_world_obj @ SE3.from_rotation(np.eye(3), placed.prop.mesh.box_centre)
        covariance = make(
            "geometry_msgs/PoseWithCovariance", pose=pose_message(placed.T_world_obj), covariance=np.eye(6).reshape(-1)
        )
        hypothesis = make("vision_msgs/ObjectHypothesis", class_id=placed.prop.name, score=1.0)
        result = make("vision_msgs/ObjectHypothesisWithPose", hypothesis=hypothesis, pose=covariance)
        size = xyz("Vector3", placed.prop.mesh.extents)
        box = make("vision_msgs/BoundingBox3D", center=pose_message(T_frame_box), size=size)
        found.append(
            make("vision_msgs/Detection3D", header=head, results=[result], bbox=box, id=f"{placed.prop.name}_1")
        )
    return make("vision_msgs/Detection3DArray", header=head, detections=found)


def add_to_bag(bag_path, out, extra):
    """The bag with more messages: topic, type, time, message."""
    with Bag(bag_path) as bag, BagWriter(out) as writer:
        for message in bag.messages([topic.name for topic in bag.topics]):
            writer.write(message.topic, message.type, message.time_ns, message.data)
        for topic, kind, time_ns, message in extra:
            writer.write(topic, kind, time_ns, message)
