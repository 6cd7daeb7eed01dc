"""~/collision_objects: one message for each object that is new, moved or gone. Only where moveit_msgs is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile, ReliabilityPolicy

from ..messages.names import OutputNames
from ..tracking import SceneUpdate
from .parameters import Parameters

if TYPE_CHECKING:
    from .builders.collisions import CollisionObjects

_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)


class CollisionOutput:
    """Tells a planning scene what there is: shapes once, then only where they are.

    A planning scene that joins later has not heard the shapes: whenever there are more listeners than before, all of
    them are told again.
    """

    def __init__(self, publisher: Any, make_builder: Callable[[OutputNames], CollisionObjects]) -> None:
        self.publisher = publisher
        self._make_builder = make_builder
        self._builder: CollisionObjects | None = None
        self._names: OutputNames | None = None
        self._listeners = 0

    def publish(self, update: SceneUpdate, names: OutputNames) -> None:
        """Send what changed since the last call; nothing is built while nobody listens."""
        listeners, before = self.publisher.get_subscription_count(), self._listeners
        self._listeners = listeners
        if not listeners:
            self._builder = None
            return
        if self._builder is None or listeners > before or names != self._names:
            self._builder, self._names = self._make_builder(names), names
        for message in self._builder.update(update):
            self.publisher.publish(message)


def make_collision_output(node: LifecycleNode, parameters: Parameters) -> CollisionOutput | None:
    """The output in the form that the parameters ask for; None where it is switched off or moveit_msgs is missing."""
    if parameters.collision_form == "none":
        return None
    try:
        from moveit_msgs.msg import CollisionObject
    except ModuleNotFoundError:
        node.get_logger().info("no ~/collision_objects: moveit_msgs is not installed")
        return None
    from ..messages.collision_shapes import CollisionForm
    from .builders.collisions import CollisionObjects

    form, triangles = CollisionForm(parameters.collision_form), parameters.collision_triangles
    publisher = node.create_lifecycle_publisher(CollisionObject, "~/collision_objects", _QOS)
    return CollisionOutput(publisher, lambda names: CollisionObjects(names, form, max_triangles=triangles))
