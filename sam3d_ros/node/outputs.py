"""All topics that go out. Called by one thread at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import PointCloud2
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

from sam3d_ros.msg import ReconstructedObjectArray, RejectionArray

from ..messages.marker_data import MarkerData
from ..messages.markers import MeshMarkers, overlay_markers
from ..messages.names import OutputNames
from ..pipeline import Rejection
from ..tracking import SceneUpdate
from .builders.detections import build_detections
from .builders.marker_message import marker_payload
from .builders.objects import PackedMeshes, build_objects
from .builders.points import SurfaceClouds
from .builders.rejections import build_rejections
from .builders.transforms import build_transforms
from .collision_output import make_collision_output
from .compat import tf2_ros
from .mesh_export import MeshExport
from .parameters import Parameters

LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)


@dataclass(frozen=True, slots=True)
class OutputFrame:
    """Header of what goes out: the stamp of the input image, the frame of the poses."""

    stamp_ns: int
    frame_id: str


class Outputs:
    """Publishers from configure to cleanup; silent while the node is not active.

    Latched topics are kept up to date whether anybody listens or not, so that a late subscriber gets the present
    state. The others are built only for subscribers.
    """

    def __init__(self, node: LifecycleNode, parameters: Callable[[], Parameters]) -> None:
        self._node = node
        self._parameters = parameters
        self._objects = node.create_lifecycle_publisher(ReconstructedObjectArray, "~/objects", LATCHED)
        self._detections = node.create_lifecycle_publisher(Detection3DArray, "~/detections", RELIABLE)
        self._rejections = node.create_lifecycle_publisher(RejectionArray, "~/rejections", RELIABLE)
        self._points = node.create_lifecycle_publisher(PointCloud2, "~/points", RELIABLE)
        # Two on one topic: meshes change seldom and stay latched while labels and boxes follow every frame.
        self._meshes = node.create_lifecycle_publisher(MarkerArray, "~/markers", LATCHED)
        self._overlay = node.create_lifecycle_publisher(MarkerArray, "~/markers", LATCHED)
        self._collisions = make_collision_output(node, parameters())
        self._broadcaster = tf2_ros.TransformBroadcaster(node)
        self._export = MeshExport()
        self._names = OutputNames("")
        self._start_over(OutputNames("", parameters().tf_prefix))

    @property
    def publishers(self) -> tuple[Any, ...]:
        collisions = () if self._collisions is None else (self._collisions.publisher,)
        reports = (self._objects, self._detections, self._rejections, self._points)
        return (*reports, self._meshes, self._overlay, *collisions)

    def names(self, frame_id: str) -> OutputNames:
        """Frames of outputs whose poses are in this frame."""
        return OutputNames(frame_id, self._parameters().tf_prefix)

    def publish(self, update: SceneUpdate, frame: OutputFrame) -> None:
        """Send a scene, whole or on its way, under the stamp of its image."""
        if frame.frame_id != self._names.frame_id:
            self._start_over(self.names(frame.frame_id))
        placed = update.with_known_places(fixed_frame=bool(self._parameters().target_frame))
        # Small and urgent ones first: the objects carry all meshes.
        self._publish_transforms(placed)
        self._publish_markers(update)
        self._publish_objects(update)
        if self._detections.get_subscription_count():
            self._detections.publish(build_detections(placed, self._names))
        if self._points.get_subscription_count():
            self._points.publish(self._cloud.build(placed, self._names))
        if self._collisions is not None:
            self._collisions.publish(update, self._names)
        if update.final:
            self.publish_rejections(frame, update.rejections)

    def publish_rejections(self, frame: OutputFrame, rejections: Sequence[Rejection]) -> None:
        """Send what was refused of one frame."""
        message = build_rejections(rejections, stamp_ns=frame.stamp_ns, frame_id=frame.frame_id)
        self._rejections.publish(message)

    def remove_all(self, stamp_ns: int) -> None:
        """Take all objects off the topics."""
        empty = SceneUpdate(stamp_ns, (), (), tuple(self._known), final=False)
        self._publish_objects(empty)
        if self._collisions is not None:
            self._collisions.publish(empty, self._names)
        self._meshes.publish(marker_payload(self._mesh_markers.clear(stamp_ns)))
        self._overlay.publish(marker_payload(overlay_markers(empty, self._names)))
        self._known.clear()

    def destroy(self) -> None:
        for publisher in self.publishers:
            self._node.destroy_lifecycle_publisher(publisher)
        self._node.destroy_publisher(self._broadcaster.pub_tf)

    def _start_over(self, names: OutputNames) -> None:
        """Forget what was sent: everything goes out anew, in these frames."""
        self._names = names
        self._packed = PackedMeshes()
        self._mesh_markers = MeshMarkers(names, self._parameters().marker_config())
        self._cloud = SurfaceClouds()
        self._known: set[int] = set()

    def _publish_objects(self, update: SceneUpdate) -> None:
        self._known = {item.object_id for item in update.objects}
        parameters = self._parameters()
        files = self._exported(update, parameters) if parameters.export_meshes else {}
        only_new = parameters.objects_mesh == "on_change"
        message = build_objects(update, self._names, self._packed, only_new_meshes=only_new, mesh_files=files)
        self._objects.publish(message)

    def _exported(self, update: SceneUpdate, parameters: Parameters) -> dict[int, str]:
        """Paths by object id; objects are published without them where the disk does not take the files."""
        try:
            return self._export.write(update, parameters)
        except OSError as error:
            self._node.get_logger().error(f"meshes cannot be exported: {error}", throttle_duration_sec=10.0)
            return {}

    def _publish_transforms(self, placed: SceneUpdate) -> None:
        if self._parameters().publish_tf and placed.objects:
            self._broadcaster.sendTransform(build_transforms(placed, self._names))

    def _publish_markers(self, update: SceneUpdate) -> None:
        meshes: list[MarkerData] | None = None
        try:
            meshes = self._mesh_markers.update(update)
        except OSError as error:
            self._node.get_logger().error(f"mesh files of ~/markers: {error}", throttle_duration_sec=10.0)
        if meshes is not None:
            self._meshes.publish(marker_payload(meshes))
        self._overlay.publish(marker_payload(overlay_markers(update, self._names)))
