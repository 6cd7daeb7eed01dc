"""Collision objects: light closed shapes, added once and moved afterwards. Needs the messages of MoveIt."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is missing: run make setup")
pytest.importorskip("moveit_msgs", reason="moveit_msgs is missing: it comes with MoveIt from a ROS distribution")

from moveit_msgs.msg import CollisionObject
from rclpy.serialization import deserialize_message, serialize_message

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.messages.collision_shapes import CollisionForm
from sam3d_ros.messages.names import OutputNames
from sam3d_ros.node.builders.collisions import CollisionObjects
from sam3d_ros.pipeline import Quality
from sam3d_ros.tracking.scene import ObjectState, SceneObject, SceneUpdate

pytestmark = pytest.mark.ros
NAMES = OutputNames("map", "thing_")
STAMP = 5_000_000_007


def ball(count=400):
    from scipy.spatial import ConvexHull

    points = np.random.default_rng(0).normal(size=(count, 3))
    points *= 0.05 / np.linalg.norm(points, axis=1, keepdims=True)
    return Mesh(points, ConvexHull(points).simplices, np.zeros((count, 3), np.uint8))


def scene(*ids, x=0.0, mesh=None, version=1, state=ObjectState.COMPLETE):
    pose = SE3(np.array([1.0, 0, 0, 0]), np.array([x, 0.0, 1.0]))
    objects = tuple(
        SceneObject(i, i, None, state, mesh or ball(), version, pose, np.eye(6), 0.1, Quality(), STAMP) for i in ids
    )
    return SceneUpdate(STAMP, objects, (), (), final=True)


def operations(messages):
    return [(message.id, message.operation) for message in messages]


def test_a_new_object_is_added_with_its_shape_and_then_only_moved():
    told = CollisionObjects(NAMES, CollisionForm.HULL)
    (added,) = told.update(scene(1, x=0.25))
    added = deserialize_message(serialize_message(added), CollisionObject)
    assert (added.id, added.operation, added.header.frame_id) == ("thing_1", CollisionObject.ADD, "map")
    assert (added.header.stamp.sec, added.header.stamp.nanosec) == (5, 7)
    assert (added.pose.position.x, added.pose.position.z) == (0.25, 1.0)
    assert len(added.meshes) == len(added.mesh_poses) == 1
    (moved,) = told.update(scene(1, x=0.5))
    assert (moved.operation, moved.pose.position.x, list(moved.meshes)) == (CollisionObject.MOVE, 0.5, [])


def test_the_hull_stays_in_its_budget():
    (added,) = CollisionObjects(NAMES, CollisionForm.HULL, max_triangles=100).update(scene(1))
    (mesh,) = added.meshes
    assert 50 < len(mesh.triangles) <= 100
    assert max(max(triangle.vertex_indices) for triangle in mesh.triangles) == len(mesh.vertices) - 1


def test_a_new_mesh_is_added_again_and_a_lost_object_removed():
    told = CollisionObjects(NAMES, CollisionForm.MESH)
    told.update(scene(1, 2))
    expected = [("thing_2", CollisionObject.REMOVE), ("thing_1", CollisionObject.ADD)]
    assert operations(told.update(scene(1, version=2))) == expected
    assert operations(told.clear(STAMP)) == [("thing_1", CollisionObject.REMOVE)]
    assert told.clear(STAMP) == []


def test_an_unseen_object_is_left_where_it_is():
    told = CollisionObjects(NAMES, CollisionForm.HULL)
    told.update(scene(1))
    assert told.update(scene(1, state=ObjectState.UNSEEN)) == []


def test_a_flat_mesh_has_no_hull_and_is_not_sent():
    flat = Mesh(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.0]]), np.array([[0, 1, 2]]), np.zeros((3, 3), np.uint8))
    assert CollisionObjects(NAMES, CollisionForm.HULL).update(scene(1, mesh=flat)) == []
