"""The camera's pose in the target frame at the time of the image."""

from __future__ import annotations

import time

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time

from ..geometry import SE3
from ..pipeline.decode import transform_of
from .compat import tf2_ros

_POLL_S = 0.005


class TransformMissingError(LookupError):
    """tf2 does not know a transform; the message names both frames, the stamp and tf2's reason."""


class TransformSource:
    """Listens to /tf and /tf_static in the node's executor; looked up from the worker's thread."""

    def __init__(self, node: Node) -> None:
        self._buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self._buffer, node, spin_thread=False)

    def clear(self) -> None:
        """Forget all transforms that change with time."""
        self._buffer.clear()

    def destroy(self) -> None:
        self._listener.unregister()

    def lookup(self, target: str, source: str, stamp_ns: int, *, timeout: float) -> SE3:
        """T_target_source at the stamp; waits at most `timeout` seconds of real time.

        Then it raises TransformMissingError. tf2's own timeout runs on the ROS clock, which may stand still.
        """
        if target == source:
            return SE3.identity()
        deadline = time.monotonic() + timeout
        stamp = Time(nanoseconds=stamp_ns)
        while True:
            try:
                transform = self._buffer.lookup_transform(target, source, stamp, Duration()).transform
            except tf2_ros.TransformException as error:
                if time.monotonic() >= deadline:
                    raise TransformMissingError(
                        f"no transform from {source} to {target} at {stamp_ns * 1e-9:.3f} s after waiting "
                        f"{timeout:g} s (tf_timeout): {error}"
                    ) from error
                time.sleep(_POLL_S)
                continue
            return transform_of(transform)
