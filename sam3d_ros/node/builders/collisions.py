"""moveit_msgs/CollisionObject: a light shape for planners, added once and then moved.

Importing this module needs moveit_msgs, which is an optional dependency.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from geometry_msgs.msg import Pose
from moveit_msgs.msg import CollisionObject
from shape_msgs.msg import Mesh as ShapeMesh
from shape_msgs.msg import MeshTriangle

from ...geometry import Mesh
from ...messages.collision_shapes import CollisionForm, collision_parts
from ...messages.names import OutputNames
from ...messages.version_cache import VersionCache
from ...tracking.scene import ObjectState, SceneObject, SceneUpdate
from .common import header_message, point_message, pose_message


class CollisionObjects:
    """What the planning scene has been told, so that a shape goes out once and later messages only move it."""

    def __init__(self, names: OutputNames, form: CollisionForm, *, max_triangles: int = 200) -> None:
        self._names = names
        self._max_triangles = max_triangles
        self._shapes: VersionCache[list[ShapeMesh]] = VersionCache(self._shape_maker(form))

    def update(self, update: SceneUpdate) -> list[CollisionObject]:
        """One message for each object that is new, changed, moved or gone, in the order in which to publish them."""
        gone = [self._removal(object_id, update.stamp_ns) for object_id in self._shapes.keep_only(update)]
        changes = [self._change(scene_object, update.stamp_ns) for scene_object in update.objects]
        return gone + [message for message in changes if message is not None]

    def clear(self, stamp_ns: int) -> list[CollisionObject]:
        """Removes every object that was added."""
        return self.update(SceneUpdate(stamp_ns, (), (), (), final=True))

    def _change(self, scene_object: SceneObject, stamp_ns: int) -> CollisionObject | None:
        is_new = self._shapes.is_new(scene_object)
        shapes = self._shapes.get(scene_object)
        # A flat mesh has no hull; an unseen object keeps its place in the planning scene.
        if not shapes or (scene_object.state is ObjectState.UNSEEN and not is_new):
            return None
        message = self._message(scene_object.object_id, stamp_ns)
        message.pose = pose_message(scene_object.T_ref_obj)
        message.operation = CollisionObject.MOVE
        if is_new:
            message.operation = CollisionObject.ADD
            message.meshes, message.mesh_poses = shapes, [Pose() for _ in shapes]
        return message

    def _removal(self, object_id: int, stamp_ns: int) -> CollisionObject:
        message = self._message(object_id, stamp_ns)
        message.operation = CollisionObject.REMOVE
        return message

    def _message(self, object_id: int, stamp_ns: int) -> CollisionObject:
        header = header_message(stamp_ns, self._names.frame_id)
        return CollisionObject(header=header, id=self._names.child_frame(object_id))

    def _shape_maker(self, form: CollisionForm) -> Callable[[Mesh], list[ShapeMesh]]:
        def make(mesh: Mesh) -> list[ShapeMesh]:
            return [shape_message(part) for part in collision_parts(mesh, form, max_triangles=self._max_triangles)]

        return make


def shape_message(mesh: Mesh) -> ShapeMesh:
    """Triangles and vertices element by element: shape_msgs has no packed form, and collision meshes are small."""
    indices = mesh.triangles.view(np.uint32)
    return ShapeMesh(
        triangles=[MeshTriangle(vertex_indices=row) for row in indices],
        vertices=[point_message(vertex) for vertex in mesh.vertices],
    )
