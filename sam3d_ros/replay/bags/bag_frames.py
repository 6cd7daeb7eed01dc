"""From the messages of a bag to matched frames and camera poses, as the node would see them; without ROS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...geometry import SE3
from ...geometry.transform_tree import TransformLookupError, TransformTree
from ...pipeline.decode import stamp_ns, transform_of
from ...pipeline.frame_messages import FrameMessages
from ...pipeline.matching import StampMatcher
from ...pipeline.rectification import is_raw
from .bag import Bag
from .topics import TF_TOPICS, InputTopics, Role

_FOR_EVER_NS = 2**62
_KEPT_DETECTIONS = 30


@dataclass(frozen=True, slots=True)
class MatchConfig:
    """How messages of one instant find each other; the defaults are those of the node."""

    queue_size: int = 30
    slop_s: float = 0.03


@dataclass(slots=True)
class InputCounts:
    """What came in, by input, and what of the matched inputs found no partners."""

    received: dict[str, int] = field(default_factory=dict)
    unmatched: dict[str, int] = field(default_factory=dict)
    matched: int = 0


class BagFrames:
    """The matched sets of a bag, in order. `counts` is complete when the iteration is."""

    def __init__(self, bag: Bag, inputs: InputTopics, config: MatchConfig | None = None) -> None:
        self._bag = bag
        self._config = config or MatchConfig()
        self._roles = {topic.name: role for role, topic in inputs.by_role().items()}
        depth = Role.DEPTH if inputs.depth else Role.POINTS
        self._matched_roles = (Role.IMAGE, depth, Role.MASK)
        self._raw = is_raw("auto", inputs.image.name)
        self._newest_info: Any = None
        self._detections: list[Any] = []
        self.counts = InputCounts()

    def __iter__(self) -> Iterator[FrameMessages]:
        slop_ns = round(self._config.slop_s * 1e9)
        matcher: StampMatcher[Any] = StampMatcher(len(self._matched_roles), self._config.queue_size, slop_ns)
        self._newest_info, self._detections = self._first_camera_info(), []
        waiting: tuple[int, tuple[Any, ...]] | None = None  # a matched set, and when its last message was recorded
        for message in self._bag.messages(self._roles):
            # Detections of the same instant may be recorded behind the mask that completes a set.
            if waiting is not None and message.time_ns > waiting[0]:
                yield self._frame(*waiting[1])
                waiting = None
            role = self._roles[message.topic]
            self.counts.received[role.value] = self.counts.received.get(role.value, 0) + 1
            matched = self._take(role, self._bag.decode(message), matcher)
            if matched is not None:
                self.counts.matched += 1
                if waiting is not None:
                    yield self._frame(*waiting[1])
                waiting = message.time_ns, matched
        if waiting is not None:
            yield self._frame(*waiting[1])
        for index, role in enumerate(self._matched_roles):
            lost = matcher.counts.received[index] - matcher.counts.matched
            self.counts.unmatched[role.value] = self.counts.unmatched.get(role.value, 0) + lost

    def _take(self, role: Role, message: Any, matcher: StampMatcher[Any]) -> tuple[Any, ...] | None:
        if role is Role.CAMERA_INFO:
            self._newest_info = message
        elif role is Role.DETECTIONS:
            self._detections = [*self._detections[1 - _KEPT_DETECTIONS :], message]
        else:
            return matcher.add(self._matched_roles.index(role), stamp_ns(message), message)
        return None

    def _first_camera_info(self) -> Any:
        """A bag may hold the image before its CameraInfo; nothing is gained by losing that frame."""
        names = [name for name, role in self._roles.items() if role is Role.CAMERA_INFO]
        for message in self._bag.messages(names):
            return self._bag.decode(message)
        return None

    def _frame(self, image: Any, depth: Any, mask: Any) -> FrameMessages:
        detections = self._nearest_detections(stamp_ns(mask))
        return FrameMessages(image, depth, mask, self._newest_info, detections, raw=self._raw)

    def _nearest_detections(self, stamp: int) -> Any:
        def distance_ns(message: Any) -> int:
            return abs(stamp_ns(message) - stamp)

        nearest = min(self._detections, key=distance_ns, default=None)
        fits = nearest is not None and distance_ns(nearest) <= self._config.slop_s * 1e9
        return nearest if fits else None


def read_transforms(bag: Bag) -> TransformTree:
    """All transforms of a bag, whatever their time."""
    tree = TransformTree(_FOR_EVER_NS)
    for message in bag.messages(TF_TOPICS):
        add_transforms(tree, bag.decode(message), static=message.topic == "/tf_static")
    return tree


def add_transforms(tree: TransformTree, message: Any, *, static: bool) -> None:
    """Put those of a tf2_msgs/TFMessage into a tree."""
    for item in message.transforms:
        T_parent_child = transform_of(item.transform)
        tree.set(item.header.frame_id, item.child_frame_id, T_parent_child, stamp=stamp_ns(item), static=static)


def camera_pose(tree: TransformTree, target_frame: str, messages: FrameMessages) -> SE3 | str:
    """T_target_camera at the stamp of the image, or why there is none."""
    try:
        return tree.lookup(target_frame, messages.frame_id, messages.stamp_ns)[0]
    except TransformLookupError as error:
        return f"no transform from {messages.frame_id} to {target_frame}: {error}"
