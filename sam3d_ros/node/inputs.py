"""The topics that come in: one object per topic that holds what the diagnostics want to know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy, qos_policy_name_from_kind, qos_profile_sensor_data
from rclpy.qos_overriding_options import QoSOverridingOptions

from ..pipeline.decode import stamp_ns
from .statistics import RateMeter

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # its name before Iron
    from rclpy.qos_event import SubscriptionEventCallbacks


@dataclass(frozen=True, slots=True)
class InputSpec:
    """A topic that the node reads."""

    topic: str
    kind: type  # message class
    depth: int = 5  # of the queue; qos_overrides changes it
    required: bool = True  # its silence is worth a warning


class TopicInput:
    """A subscription that checks each header, counts, and passes on what is usable. Its callback never raises.

    An adaptive one asks for reliable delivery, because best effort loses images that are larger than the middleware's
    buffers, and changes to best effort as soon as there is a publisher that offers no more. Any other one has the
    sensor-data profile, which hears every publisher, or what qos_overrides make of it.
    """

    def __init__(
        self,
        node: Node,
        spec: InputSpec,
        *,
        on_message: Callable[[TopicInput, Any], None],
        on_refused: Callable[[TopicInput, str], None],
        adaptive: bool = True,
    ) -> None:
        self.spec = spec
        self.meter = RateMeter()
        self.refused = 0
        self.last_fault = ""
        self.incompatible_qos = ""
        self.last_stamp_ns = 0
        self.frame_id = ""
        self._node = node
        self._on_message = on_message
        self._on_refused = on_refused
        profile = _sensor_qos(spec.depth)
        if adaptive:
            profile.reliability = ReliabilityPolicy.RELIABLE
        self._subscription = self._subscribe(profile, QoSOverridingOptions.with_default_policies())
        # An override that asks for best effort is the user's last word.
        self._adaptive = adaptive and self._subscription.qos_profile.reliability == ReliabilityPolicy.RELIABLE

    @property
    def topic(self) -> str:
        """Full name after remapping."""
        return str(self._subscription.topic_name)

    @property
    def publishers(self) -> int:
        """How many publish on this topic."""
        return int(self._node.count_publishers(self.topic))

    def adapt(self) -> None:
        """Take the reliability that the publishers have in common; to be called now and then."""
        if not self._adaptive:
            return
        offered = self._node.get_publishers_info_by_topic(self.topic)
        all_reliable = all(info.qos_profile.reliability == ReliabilityPolicy.RELIABLE for info in offered)
        wanted = ReliabilityPolicy.RELIABLE if all_reliable else ReliabilityPolicy.BEST_EFFORT
        profile = self._subscription.qos_profile
        if offered and profile.reliability != wanted:
            profile.reliability = wanted
            self.destroy()
            self._subscription = self._subscribe(profile)
            self.incompatible_qos = ""

    def describe_silence(self) -> str:
        """What a user needs to find out why nothing comes: topic, type, publishers, QoS."""
        qos = self._subscription.qos_profile
        wanted = f"{_type_name(self.spec.kind)}, {qos.reliability.name.lower()}, {qos.durability.name.lower()}"
        text = f"nothing on {self.topic} ({wanted}); {self.publishers} publishers"
        if self.incompatible_qos:
            return f"{text}; {self.incompatible_qos}"
        others = self._other_types()
        return f"{text}; published there as {', '.join(others)}" if others else text

    def _subscribe(self, profile: QoSProfile, overriding: QoSOverridingOptions | None = None) -> Any:
        return self._node.create_subscription(
            self.spec.kind,
            self.spec.topic,
            self._receive,
            profile,
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=self._on_incompatible_qos),
            qos_overriding_options=overriding,
        )

    def destroy(self) -> None:
        self._node.destroy_subscription(self._subscription)

    def _other_types(self) -> list[str]:
        infos = self._node.get_publishers_info_by_topic(self.topic)
        return sorted({info.topic_type for info in infos} - {_type_name(self.spec.kind)})

    def _receive(self, message: Any) -> None:
        self.meter.tick()
        self.frame_id = message.header.frame_id
        if stamp_ns(message) == 0:
            self._refuse(f"{self.topic}: header.stamp is zero; its publisher must set the time of capture")
        else:
            self._on_message(self, message)

    def _refuse(self, fault: str) -> None:
        self.refused += 1
        self.last_fault = fault
        self._on_refused(self, fault)

    def _on_incompatible_qos(self, event: Any) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind)
        if self._adaptive and policy.startswith("RELIABILITY"):
            return  # `adapt` is about to change to what this publisher offers
        if not self.incompatible_qos:
            self._node.get_logger().warning(
                f"a publisher on {self.topic} offers an incompatible {policy}: nothing comes from it. Change it or the "
                f"parameter qos_overrides.{self.topic}.subscription.{policy.removesuffix('_QOS_POLICY').lower()}"
            )
        self.incompatible_qos = f"{event.total_count} publishers offer an incompatible {policy}"


def _sensor_qos(depth: int) -> QoSProfile:
    profile = qos_profile_sensor_data
    return QoSProfile(
        history=profile.history, depth=depth, reliability=profile.reliability, durability=profile.durability
    )


def _type_name(kind: type) -> str:
    return f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}"
