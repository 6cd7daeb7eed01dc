"""All inputs of the node together: what to subscribe to, and the matched sets that come of it."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Protocol

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from vision_msgs.msg import Detection2DArray

from ..pipeline.decode import stamp_ns
from ..pipeline.frame_messages import FrameMessages
from ..pipeline.rectification import is_raw
from .inputs import InputSpec, TopicInput
from .parameters import Parameters
from .synchroniser import Synchroniser

_KEPT_DETECTIONS = 30


class InputListener(Protocol):
    """Who is told what the inputs found; called in the executor's thread, must neither wait nor raise."""

    def on_matched(self, matched: FrameMessages) -> None: ...

    def on_refused(self, topic: TopicInput, fault: str) -> None: ...

    def on_time_jump(self, where: str, seconds: float) -> None: ...


class CameraInputs:
    """The subscriptions of an active node. Image, depth and mask are matched by time.

    CameraInfo and detections are not part of the match, so that a missing one is a clear rejection and not a silence:
    the newest CameraInfo is taken, and the detections whose stamp is nearest to the mask's within the slop.
    """

    def __init__(self, node: Node, parameters: Parameters, listener: InputListener) -> None:
        self._parameters = parameters
        self._listener = listener
        self._camera_info: CameraInfo | None = None
        self._detections: deque[Detection2DArray] = deque(maxlen=_KEPT_DETECTIONS)
        self._last_match = time.monotonic()
        image, depth = _image_spec(parameters), _depth_spec(parameters)
        self._matched_topics = (image.topic, depth.topic, "mask")
        self.synchroniser = Synchroniser(
            self._matched_topics, self._on_match, queue_size=parameters.sync_queue_size, slop=parameters.sync_slop
        )
        # Detections and CameraInfo first: of messages that wait together, the executor takes these before the mask.
        specs = (
            InputSpec("detections", Detection2DArray, required=False),
            InputSpec("camera_info", CameraInfo),
            image,
            depth,
            InputSpec("mask", Image),
        )
        self.topics = tuple(
            TopicInput(
                node,
                spec,
                on_message=self._on_message,
                on_refused=listener.on_refused,
                adaptive=parameters.input_reliability == "auto",
            )
            for spec in specs
        )

    @property
    def hit_rate(self) -> float:
        """Share of the rarest matched input's messages that found their partners; NaN before the first."""
        rarest = min(topic.meter.total for topic in self._matched())
        return self.synchroniser.matches / rarest if rarest else float("nan")

    @property
    def all_arrive(self) -> bool:
        """Whether each matched input has a rate."""
        return all(topic.meter.rate > 0 for topic in self._matched())

    @property
    def unmatched_for(self) -> float:
        """Seconds since inputs last found each other, or since the start."""
        return time.monotonic() - self._last_match

    def stamp_gaps(self) -> dict[str, float]:
        """By input, newest stamp minus that of the image, seconds; inputs that never came are left out."""
        image, *others = self._matched()
        return {
            topic.spec.topic: (topic.last_stamp_ns - image.last_stamp_ns) * 1e-9
            for topic in others
            if topic.last_stamp_ns and image.last_stamp_ns
        }

    def adapt(self) -> None:
        """Follow what the publishers offer."""
        for topic in self.topics:
            topic.adapt()

    def reset(self) -> None:
        """Forget what waits; the CameraInfo stays, a camera does not change when time jumps."""
        self.synchroniser.reset()
        self._detections.clear()
        for topic in self.topics:
            topic.last_stamp_ns = 0

    def destroy(self) -> None:
        for topic in self.topics:
            topic.destroy()

    def _matched(self) -> tuple[TopicInput, ...]:
        """The inputs that take part in the match, image first."""
        return tuple(topic for topic in self.topics if topic.spec.topic in self._matched_topics)

    def _on_message(self, topic: TopicInput, message: Any) -> None:
        self._check_time(topic, stamp_ns(message))
        name = topic.spec.topic
        if name == "camera_info":
            self._camera_info = message
        elif name == "detections":
            self._detections.append(message)
        else:
            self.synchroniser.add(name, message)

    def _check_time(self, topic: TopicInput, stamp: int) -> None:
        """Report a stamp that goes back; without it, the stamps of before would block the synchroniser for good."""
        seconds_back = (topic.last_stamp_ns - stamp) * 1e-9
        topic.last_stamp_ns = stamp
        if seconds_back > self._parameters.time_jump_threshold:
            self._listener.on_time_jump(topic.topic, -seconds_back)

    def _on_match(self, image: Any, depth: Any, mask: Image) -> None:
        self._last_match = time.monotonic()
        detections = self._nearest_detections(stamp_ns(mask))
        raw = is_raw(self._parameters.image_geometry, self._matched()[0].topic)
        self._listener.on_matched(
            FrameMessages(image, depth, mask, self._camera_info, detections, time.monotonic(), raw)
        )

    def _nearest_detections(self, stamp: int) -> Detection2DArray | None:
        def distance(message: Detection2DArray) -> float:
            return abs(stamp_ns(message) - stamp) * 1e-9

        nearest = min(self._detections, key=distance, default=None)
        return nearest if nearest is not None and distance(nearest) <= self._parameters.sync_slop else None


def _image_spec(parameters: Parameters) -> InputSpec:
    if parameters.image_transport == "compressed":
        return InputSpec("image/compressed", CompressedImage)
    return InputSpec("image", Image)


def _depth_spec(parameters: Parameters) -> InputSpec:
    if parameters.depth_source == "points":
        return InputSpec("points", PointCloud2)
    return InputSpec("depth", Image)
