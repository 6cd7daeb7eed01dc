"""True detections of a bag: the boxes and poses of a vision_msgs/Detection3DArray, by stamp and id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...geometry import SE3
from ...pipeline.decode import pose_of, stamp_ns
from ..bags.bag import Bag, BagError
from ..bags.topics import list_topics

DETECTIONS_3D = "vision_msgs/msg/Detection3DArray"
_TRUTH_WORDS = ("truth", "/gt")
_SLOP_NS = 30_000_000  # between an image and the detections that belong to it, as between images and masks


@dataclass(frozen=True, slots=True, eq=False)
class TrueBox:
    """One detection, in the frame of its header."""

    frame_id: str
    T_frame_obj: SE3  # of the best hypothesis, else of the box
    T_frame_box: SE3
    size: NDArray[np.float64]  # [3] edges of the box, metres
    class_id: str


class TrueDetections:
    """The detections of one topic."""

    def __init__(self, by_stamp: Mapping[int, Mapping[str, TrueBox]]) -> None:
        self._by_stamp = by_stamp
        self._stamps = np.array(sorted(by_stamp), np.int64)

    def near(self, stamp: int) -> Mapping[str, TrueBox]:
        """Those of the message nearest to an image, by id; none where it is more than 0.03 s away."""
        if not len(self._stamps):
            return {}
        nearest = int(self._stamps[np.abs(self._stamps - stamp).argmin()])
        return self._by_stamp[nearest] if abs(nearest - stamp) <= _SLOP_NS else {}


def truth_topic(bag: Bag, given: str) -> str | None:
    """The topic of true detections: `given`, else the one whose name says truth or gt; raises BagError."""
    names = {topic.name: topic.type for topic in bag.topics}
    if given:
        if names.get(given) != DETECTIONS_3D:
            kind = names.get(given, "not in the bag")
            raise BagError(
                f"--truth-topic {given} is {kind}, not a {DETECTIONS_3D}; the bag has\n{list_topics(bag.topics)}"
            )
        return given
    fitting = [
        name
        for name, kind in names.items()
        if kind == DETECTIONS_3D and any(word in name.lower() for word in _TRUTH_WORDS)
    ]
    if len(fitting) > 1:
        raise BagError(f"true detections could be {', '.join(fitting)}: choose with --truth-topic NAME")
    return fitting[0] if fitting else None


def read_detections(bag: Bag, topic: str) -> TrueDetections:
    """All of a topic; a detection without id is named by its class and its place in the list."""
    found: dict[int, dict[str, TrueBox]] = {}
    for message in bag.messages([topic]):
        array = bag.decode(message)
        boxes = found.setdefault(stamp_ns(array), {})
        for position, item in enumerate(array.detections):
            box = _box(item, str(item.header.frame_id or array.header.frame_id))
            boxes[str(item.id) or f"{box.class_id or 'object'}_{position}"] = box
    return TrueDetections(found)


def _box(item: Any, frame_id: str) -> TrueBox:
    best = max(item.results, key=lambda result: result.hypothesis.score, default=None)
    T_frame_box = pose_of(item.bbox.center)
    size = item.bbox.size
    return TrueBox(
        frame_id=frame_id,
        T_frame_obj=T_frame_box if best is None else pose_of(best.pose.pose),
        T_frame_box=T_frame_box,
        size=np.array([size.x, size.y, size.z]),
        class_id="" if best is None else str(best.hypothesis.class_id),
    )
