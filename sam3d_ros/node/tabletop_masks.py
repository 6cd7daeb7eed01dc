"""The node `tabletop_masks`: a camera in, a label image of what stands on the table out."""

from __future__ import annotations

import array
import sys
import time
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from numpy.typing import NDArray
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

from ..geometry import SE3
from ..pipeline import Frame, FrameError
from ..pipeline.decode import InputError, stamp_ns
from ..pipeline.frame_messages import FrameMessages, decode_frame
from ..pipeline.rectification import is_raw
from ..replay.report.pictures.overlay import masks_over
from ..segmentation.tabletop import NoTabletop, Tabletop, TabletopConfig, TabletopSegmenter
from .compat import diagnostic_updater
from .declare import describe
from .inputs import InputSpec, TopicInput
from .parameters import parameter_specs
from .synchroniser import Synchroniser
from .transforms import TransformMissingError, TransformSource
from .worker import Worker

NODE_NAME = "tabletop_masks"
PARAMETERS_FILE = "tabletop_parameters.yaml"
_CONFIG = ("min_depth", "max_depth", "min_height", "max_height", "min_pixels", "max_objects")
_TIME_JUMP_S = 1.0
_STOP_S = 1.0
_ADAPT_S = 0.2


class TabletopMasks(Node):
    """Matches image and depth, has the worker make the masks, says in /diagnostics what came of it."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(NODE_NAME, **arguments)
        values = self._declare()
        self._camera_info: CameraInfo | None = None
        self._last_stamp_ns = 0
        self._image_geometry: str = values["image_geometry"]
        transforms = TransformSource(self) if values["target_frame"] else None
        self._maker = MaskMaker(self, values, transforms)
        self._worker = Worker(self._maker, on_defect=self._on_defect)
        depth = InputSpec("points", PointCloud2) if values["depth_source"] == "points" else InputSpec("depth", Image)
        self._synchroniser = Synchroniser(
            ("image", depth.topic), self._on_match, queue_size=values["sync_queue_size"], slop=values["sync_slop"]
        )
        adaptive = values["input_reliability"] == "auto"
        self.topics = [
            TopicInput(self, spec, on_message=self._on_message, on_refused=self._on_refused, adaptive=adaptive)
            for spec in (InputSpec("camera_info", CameraInfo), InputSpec("image", Image), depth)
        ]
        self.create_timer(_ADAPT_S, self._adapt, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._updater = diagnostic_updater.Updater(self)
        self._updater.setHardwareID("sam3d_ros")
        self._updater.add("masks", self._diagnose)

    def close(self) -> None:
        """End the worker, then the node. Not in destroy_node: rclpy calls that for a half-built node, too."""
        self._worker.stop(_STOP_S)
        self.destroy_node()

    def _declare(self) -> dict[str, Any]:
        specs = parameter_specs(PARAMETERS_FILE)
        return {spec.name: self.declare_parameter(spec.name, spec.default, describe(spec)).value for spec in specs}

    def _adapt(self) -> None:
        for topic in self.topics:
            topic.adapt()

    def _on_message(self, topic: TopicInput, message: Any) -> None:
        if topic.spec.topic == "camera_info":
            self._camera_info = message
            return
        if topic.spec.topic == "image":
            self._check_time(stamp_ns(message))
        self._synchroniser.add(topic.spec.topic, message)

    def _check_time(self, stamp: int) -> None:
        if stamp < self._last_stamp_ns - _TIME_JUMP_S * 1e9:
            self.get_logger().warning("time jumped back: all masks start anew")
            self._synchroniser.reset()
            self._worker.interrupt()
            self._worker.call(self._maker.clear)
        self._last_stamp_ns = stamp

    def _on_match(self, image: Any, depth: Any) -> None:
        raw = is_raw(self._image_geometry, self.topics[1].topic)
        self._worker.put(FrameMessages(image, depth, None, self._camera_info, arrived=time.monotonic(), raw=raw))

    def _on_refused(self, _topic: TopicInput, fault: str) -> None:
        self.get_logger().warning(fault, throttle_duration_sec=5.0)

    def _on_defect(self, error: Exception) -> None:
        self.get_logger().error(f"defect, the node goes on: {error!r}")

    def _diagnose(self, stat: Any) -> Any:
        silent = [topic for topic in self.topics if topic.meter.total == 0]
        if silent:
            stat.summary(DiagnosticStatus.WARN, "; ".join(topic.describe_silence() for topic in silent))
        elif self._maker.fault:
            stat.summary(DiagnosticStatus.WARN, self._maker.fault)
        else:
            stat.summary(DiagnosticStatus.OK, f"{self._maker.instances} instances")
        for topic in self.topics:
            stat.add(topic.topic, f"{topic.meter.rate:.1f} Hz, {topic.meter.total} received")
        stat.add("frames dropped: newer frame came", str(self._worker.dropped))
        stat.add("milliseconds", f"{self._maker.milliseconds:.1f}")
        return stat


class MaskMaker:
    """Makes and publishes the masks of a frame, in the worker's thread."""

    def __init__(self, node: Node, values: dict[str, Any], transforms: TransformSource | None) -> None:
        self._values = values
        self._transforms = transforms
        self._logger = node.get_logger()
        self._segmenter = TabletopSegmenter(TabletopConfig(**{name: values[name] for name in _CONFIG}))
        # Reliable, so that who asks for that hears it; who asks for best effort hears it, too.
        self._masks = node.create_publisher(Image, "mask", QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE))
        self._overlay = node.create_publisher(Image, "~/overlay", qos_profile_sensor_data)
        self.fault = "no frame yet"
        self.instances = 0
        self.milliseconds = 0.0

    def handle(self, messages: FrameMessages) -> None:
        """Publish the masks of a frame under its stamp; an empty label image where nothing stands there."""
        started = time.perf_counter()
        try:
            frame = decode_frame(messages)
            found = self._segmenter.segment(frame.color, frame.pointmap, T_ref_cam=self._camera_pose(frame))
        except (InputError, FrameError, TransformMissingError) as error:
            self._report(str(error))
            return
        labels = self._read(found, frame)
        self._masks.publish(label_message(messages.image.header, labels))
        self.milliseconds = (time.perf_counter() - started) * 1e3
        if self._overlay.get_subscription_count():
            self._overlay.publish(color_message(messages.image.header, masks_over(frame.color, labels)))

    def clear(self) -> None:
        """Forget all objects, after a jump of time."""
        self._segmenter.clear()
        if self._transforms is not None:
            self._transforms.clear()

    def close(self) -> None:
        """Nothing to free."""

    def cancel(self) -> None:
        """Nothing to stop: a frame takes some tens of milliseconds."""

    def abandon(self) -> None:
        """Nothing to silence, for the same reason."""

    def _camera_pose(self, frame: Frame) -> SE3 | None:
        if self._transforms is None:
            return None
        target, timeout = self._values["target_frame"], self._values["tf_timeout"]
        return self._transforms.lookup(target, frame.frame_id, frame.stamp_ns, timeout=timeout)

    def _read(self, found: Tabletop | NoTabletop, frame: Frame) -> NDArray[np.int32]:
        """The labels, and what there is to say of them."""
        if isinstance(found, NoTabletop):
            self._report(found.reason)
            self.instances = 0
            return frame.labels
        self.instances = len(np.unique(found.labels)) - 1
        self.fault = ""
        return found.labels

    def _report(self, fault: str) -> None:
        """Say what is wrong when it begins; the diagnostics go on saying it."""
        if not self.fault or self.fault == "no frame yet":
            self._logger.warning(fault)
        self.fault = fault


def label_message(header: Header, labels: NDArray[np.int32]) -> Image:
    """Label image as 16UC1; labels above 65535 as 32SC1."""
    fits = labels.max(initial=0) <= np.iinfo(np.uint16).max
    return _image(header, labels.astype(np.uint16) if fits else labels, "16UC1" if fits else "32SC1")


def color_message(header: Header, color: NDArray[np.uint8]) -> Image:
    """Colour image [H, W, 3] as rgb8."""
    return _image(header, color, "rgb8")


def _image(header: Header, pixels: NDArray[Any], encoding: str) -> Image:
    data = np.ascontiguousarray(pixels)
    return Image(
        header=header,
        height=data.shape[0],
        width=data.shape[1],
        encoding=encoding,
        is_bigendian=sys.byteorder == "big",
        step=data.strides[0],
        data=array.array("B", data.tobytes()),
    )
