"""The part of tf2_ros that this package uses; the transforms themselves are kept by `geometry.transform_tree`."""

from __future__ import annotations

import time as wall_time
from collections.abc import Callable
from typing import Any

from geometry_msgs.msg import TransformStamped
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, JumpThreshold
from rclpy.duration import Duration
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile
from rclpy.time import Time
from tf2_msgs.msg import TFMessage

from ...geometry import SE3
from ...geometry.transform_tree import (
    DEFAULT_CACHE_NS,
    ExtrapolationError,
    TransformLookupError,
    TransformTree,
    UnconnectedFramesError,
    UnknownFrameError,
)
from ...geometry.transforms import TransformError

_POLL_S = 0.005


class TransformException(Exception):  # noqa: N818 - the name of the real package
    """A transform that cannot be given."""


class LookupException(TransformException):
    """A frame that nobody published."""


class ConnectivityException(TransformException):
    """Frames in different trees."""


class ExtrapolationException(TransformException):
    """A time outside what was received."""


class InvalidArgumentException(TransformException):
    """A transform that is no transform."""


_EXCEPTIONS: dict[type[TransformLookupError], type[TransformException]] = {
    UnknownFrameError: LookupException,
    UnconnectedFramesError: ConnectivityException,
    ExtrapolationError: ExtrapolationException,
}


class Buffer:
    """Keeps the transforms of the last `cache_time` and answers for any two frames; clears itself when time jumps."""

    def __init__(self, cache_time: Duration | None = None, node: Node | None = None) -> None:
        self._tree = TransformTree(cache_time.nanoseconds if cache_time is not None else DEFAULT_CACHE_NS)
        self.clock = node.get_clock() if node is not None else Clock()
        threshold = JumpThreshold(min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=True)
        self.jump_handle = self.clock.create_jump_callback(threshold, post_callback=self.time_jump_callback)

    @property
    def cache_time(self) -> Duration:
        """How far back moving frames are kept."""
        return Duration(nanoseconds=self._tree.cache_ns)

    def time_jump_callback(self, time_jump: Any) -> None:
        """Clear what was received before time went backwards."""
        get_logger("tf2_buffer").warning("Time jumped back: transforms received before it are forgotten")
        self.clear()

    def set_transform(self, transform: TransformStamped, authority: str) -> None:
        """Take a moving transform; the one of a stamp that is already known is replaced."""
        self._set(transform, authority, static=False)

    def set_transform_static(self, transform: TransformStamped, authority: str) -> None:
        """Take a transform that holds at all times."""
        self._set(transform, authority, static=True)

    def lookup_transform(
        self, target_frame: str, source_frame: str, time: Any, timeout: Duration | None = None
    ) -> TransformStamped:
        """Transform of points of `source_frame` into `target_frame`; time 0 is the newest common one.

        Waits up to `timeout` for the transform to arrive. Raises LookupException, ConnectivityException or
        ExtrapolationException, whose text names frames and times.
        """
        self.can_transform(target_frame, source_frame, time, timeout)
        try:
            T_target_source, stamp = self._tree.lookup(target_frame, source_frame, _nanoseconds(time))
        except TransformLookupError as error:
            raise _EXCEPTIONS[type(error)](str(error)) from error
        return _to_message(T_target_source, target_frame, source_frame, stamp=stamp)

    def can_transform(self, target_frame: str, source_frame: str, time: Any, timeout: Duration | None = None) -> bool:
        """Whether `lookup_transform` would succeed, after waiting up to `timeout`."""
        deadline = wall_time.monotonic() + (timeout.nanoseconds / 1e9 if timeout is not None else 0.0)
        while not self._is_known(target_frame, source_frame, _nanoseconds(time)):
            if wall_time.monotonic() >= deadline:
                return False
            wall_time.sleep(_POLL_S)
        return True

    def all_frames_as_string(self) -> str:
        """Names of all frames, one a line."""
        return "\n".join(self._tree.frames())

    def clear(self) -> None:
        """Forget moving transforms; static ones stay, they are sent only once."""
        self._tree.clear()

    def _is_known(self, target_frame: str, source_frame: str, stamp: int) -> bool:
        try:
            self._tree.lookup(target_frame, source_frame, stamp)
        except TransformLookupError:
            return False
        return True

    def _set(self, message: TransformStamped, authority: str, *, static: bool) -> None:
        header, child = message.header, message.child_frame_id
        try:
            T_parent_child = _from_message(message)
            kept = self._tree.set(
                header.frame_id, child, T_parent_child, stamp=_nanoseconds(header.stamp), static=static
            )
        except (TransformError, ValueError) as error:
            text = f"transform of '{child}' in '{header.frame_id}' from {authority} is left out: {error}"
            raise InvalidArgumentException(text) from error
        if not kept:
            get_logger("tf2_buffer").warning(
                f"transform of '{child}' in '{header.frame_id}' is older than {self._tree.cache_ns / 1e9:.0f} s before "
                "the newest one and is left out; are there two clocks, or a bag that loops?",
                throttle_duration_sec=5.0,
            )


class TransformListener:
    """Feeds a buffer from /tf and /tf_static."""

    def __init__(
        self,
        buffer: Buffer,
        node: Node,
        *,
        spin_thread: bool = False,
        qos: QoSProfile | int | None = None,
        static_qos: QoSProfile | int | None = None,
    ) -> None:
        if spin_thread:
            raise ValueError("this stand-in has no thread of its own; spin the node, or install tf2_ros")
        self.buffer = buffer
        self.node = node
        # Reentrant: a callback that waits for a transform must not keep the transform out.
        self.group = ReentrantCallbackGroup()
        self.tf_sub = self._subscribe("/tf", self.callback, qos or _qos(100, DurabilityPolicy.VOLATILE))
        static = static_qos or _qos(100, DurabilityPolicy.TRANSIENT_LOCAL)
        self.tf_static_sub = self._subscribe("/tf_static", self.static_callback, static)

    def callback(self, data: TFMessage) -> None:
        """Take moving transforms."""
        self._take(data, self.buffer.set_transform)

    def static_callback(self, data: TFMessage) -> None:
        """Take static transforms."""
        self._take(data, self.buffer.set_transform_static)

    def unregister(self) -> None:
        """Stop listening."""
        self.node.destroy_subscription(self.tf_sub)
        self.node.destroy_subscription(self.tf_static_sub)

    def _subscribe(self, topic: str, callback: Callable[[TFMessage], None], qos: QoSProfile | int) -> Any:
        return self.node.create_subscription(TFMessage, topic, callback, qos, callback_group=self.group)

    def _take(self, data: TFMessage, keep: Callable[[TransformStamped, str], None]) -> None:
        for transform in data.transforms:
            try:
                keep(transform, "default_authority")
            except InvalidArgumentException as error:
                get_logger("tf2_buffer").error(str(error), throttle_duration_sec=5.0)


class TransformBroadcaster:
    """Sends moving transforms on /tf."""

    def __init__(self, node: Node, qos: QoSProfile | int | None = None) -> None:
        self.pub_tf = node.create_publisher(TFMessage, "/tf", qos or QoSProfile(depth=100))

    def sendTransform(self, transform: TransformStamped | list[TransformStamped]) -> None:
        """Send one transform or several in one message."""
        self.pub_tf.publish(TFMessage(transforms=_as_list(transform)))


class StaticTransformBroadcaster:
    """Sends transforms that never change on /tf_static; a late listener gets all of them.

    Unlike the real Python broadcaster, which keeps the first transform of a child for ever, a new one replaces it.
    """

    def __init__(self, node: Node, qos: QoSProfile | int | None = None) -> None:
        self.pub_tf = node.create_publisher(TFMessage, "/tf_static", qos or _qos(1, DurabilityPolicy.TRANSIENT_LOCAL))
        self._by_child: dict[str, TransformStamped] = {}

    def sendTransform(self, transform: TransformStamped | list[TransformStamped]) -> None:
        """Add transforms to the set and send the whole set."""
        self._by_child.update({item.child_frame_id: item for item in _as_list(transform)})
        self.pub_tf.publish(TFMessage(transforms=list(self._by_child.values())))


def _as_list(transform: Any) -> list[TransformStamped]:
    return list(transform) if hasattr(transform, "__iter__") else [transform]


def _qos(depth: int, durability: DurabilityPolicy) -> QoSProfile:
    return QoSProfile(depth=depth, durability=durability, history=HistoryPolicy.KEEP_LAST)


def _nanoseconds(time: Any) -> int:
    return int(time.nanoseconds) if isinstance(time, Time) else time.sec * 1_000_000_000 + time.nanosec


def _from_message(message: TransformStamped) -> SE3:
    q, t = message.transform.rotation, message.transform.translation
    return SE3([q.w, q.x, q.y, q.z], [t.x, t.y, t.z])  # type: ignore[arg-type]


def _to_message(T_target_source: SE3, target: str, source: str, *, stamp: int) -> TransformStamped:
    message = TransformStamped(child_frame_id=source)
    message.header.frame_id = target
    message.header.stamp = Time(nanoseconds=stamp).to_msg()
    t, q = message.transform.translation, message.transform.rotation
    t.x, t.y, t.z = T_target_source.translation_xyz.tolist()
    q.x, q.y, q.z, q.w = T_target_source.quat_xyzw.tolist()
    return message
