"""Results of a replay as a bag: the camera as it was, and the topics that the node publishes."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ...messages.marker_data import encode_markers
from ...messages.markers import MarkerConfig, MeshMarkers, overlay_markers
from ...messages.names import OutputNames
from ...tracking import SceneUpdate
from .bag import Bag, BagMessage
from .bag_writer import BagForm, BagWriter
from .result_messages import detections_message, objects_message, rejections_message, transforms_message
from .topics import TF_TOPICS, InputTopics

NAMESPACE = "/sam3d"
OBJECTS, DETECTIONS = f"{NAMESPACE}/objects", f"{NAMESPACE}/detections"
MARKERS, REJECTIONS = f"{NAMESPACE}/markers", f"{NAMESPACE}/rejections"
MARKER_ARRAY = "visualization_msgs/msg/MarkerArray"
LATCHED_TOPICS = (OBJECTS, MARKERS)


class ResultBag:
    """Writes one .mcap that RViz and Foxglove show; use it in a `with` statement.

    `fixed_frame` says that the poses of `write` are in a frame that does not move with the camera (`target_frame`).
    """

    def __init__(self, path: Path, tf_prefix: str = "object_", *, fixed_frame: bool = False) -> None:
        self._writer = BagWriter(path, BagForm.MCAP_FILE, latched=LATCHED_TOPICS)
        self._prefix = tf_prefix
        self._fixed_frame = fixed_frame
        self._markers: MeshMarkers | None = None

    def __enter__(self) -> ResultBag:
        self._writer.__enter__()
        return self

    def __exit__(self, *reason: object) -> None:
        self._writer.__exit__(*reason)

    def copy(self, message: BagMessage) -> None:
        """Take a message of the input bag over as it is."""
        self._writer.write(message.topic, message.type, message.time_ns, message.data)

    def record(self, topic: str, message_type: str, time_ns: int, data: bytes) -> None:
        """Append a serialised message of the node."""
        self._writer.write(topic, message_type, time_ns, data)

    def copy_inputs(self, bag: Bag, inputs: InputTopics, *, until_ns: int, with_tf: bool = True) -> None:
        """Take over camera, depth, mask and transforms up to a time; static transforms in every case."""
        topics = {topic.name for topic in inputs.by_role().values()}
        transforms = TF_TOPICS if with_tf else ("/tf_static",)
        for message in bag.messages(_known(bag, {*topics, *transforms})):
            if message.time_ns <= until_ns or message.topic == "/tf_static":
                self.copy(message)

    def write(self, update: SceneUpdate, frame_id: str, *, time_ns: int) -> None:
        """The scene after a frame, as the node would publish it; poses are in `frame_id`."""
        names = OutputNames(frame_id, self._prefix)
        if self._markers is None:
            self._markers = MeshMarkers(names, MarkerConfig())
        put, placed = self._writer.write, update.with_known_places(fixed_frame=self._fixed_frame)
        put("/tf", "tf2_msgs/msg/TFMessage", time_ns, transforms_message(placed, frame_id, self._prefix))
        objects = objects_message(update, frame_id, self._prefix)
        put(OBJECTS, "sam3d_ros/msg/ReconstructedObjectArray", time_ns, objects)
        put(DETECTIONS, "vision_msgs/msg/Detection3DArray", time_ns, detections_message(placed, frame_id))
        self.write_rejections(update, frame_id, time_ns=time_ns)
        meshes = self._markers.update(update)
        if meshes is not None:
            put(MARKERS, MARKER_ARRAY, time_ns, encode_markers(meshes))
        put(MARKERS, MARKER_ARRAY, time_ns, encode_markers(overlay_markers(update, names)))

    def write_rejections(self, update: SceneUpdate, frame_id: str, *, time_ns: int) -> None:
        """What the node says of a frame that it refused as a whole: nothing of the objects."""
        message = rejections_message(update, frame_id)
        self._writer.write(REJECTIONS, "sam3d_ros/msg/RejectionArray", time_ns, message)


def _known(bag: Bag, topics: Collection[str]) -> list[str]:
    return [topic.name for topic in bag.topics if topic.name in topics]
