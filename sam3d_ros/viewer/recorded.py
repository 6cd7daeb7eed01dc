"""A bag with results as frames of the page, in the order of their stamps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..pipeline.decode import stamp_ns
from ..pipeline.frame_messages import FrameMessages
from ..pipeline.matching import StampMatcher
from ..pipeline.rectification import is_raw
from ..replay.bags.bag import Bag
from ..replay.bags.bag_frames import MatchConfig, read_transforms
from ..replay.bags.published import read_published
from ..replay.bags.result_topics import CameraTopics, ResultTopics
from .assembly import Assembler
from .camera_view import POINT_BUDGET
from .shown import ShownFrame


class RecordedFrames:
    """Iterate to get the frames. The bag is read twice: for what was published, then for what the camera saw."""

    def __init__(
        self,
        bag: Bag,
        results: ResultTopics,
        camera: CameraTopics | None,
        *,
        target_frame: str = "",
        point_budget: int = POINT_BUDGET,
    ) -> None:
        self._bag = bag
        self._results = results
        self._camera = camera
        self._assembler = Assembler(read_transforms(bag), target_frame=target_frame, point_budget=point_budget)

    def __iter__(self) -> Iterator[ShownFrame]:
        scenes = read_published(self._bag, self._results)
        waiting = sorted(scenes, reverse=True)
        for camera in self._camera_frames():
            while waiting and waiting[-1] <= camera.stamp_ns:
                stamp = waiting.pop()
                yield self._assembler.frame(scenes[stamp], camera if stamp == camera.stamp_ns else None)
        while waiting:
            yield self._assembler.frame(scenes[waiting.pop()], None)

    def _camera_frames(self) -> Iterator[FrameMessages]:
        """Matched image, depth and, where it was recorded, mask, in order."""
        topics = self._camera
        if topics is None:
            return
        inputs = [topic.name for topic in (topics.image, topics.depth, topics.mask) if topic is not None]
        info = topics.camera_info.name
        slop_ns = round(MatchConfig().slop_s * 1e9)
        matcher: StampMatcher[Any] = StampMatcher(len(inputs), MatchConfig().queue_size, slop_ns)
        newest_info = next((self._bag.decode(item) for item in self._bag.messages([info])), None)
        for message in self._bag.messages([*inputs, info]):
            decoded = self._bag.decode(message)
            if message.topic == info:
                newest_info = decoded
                continue
            matched = matcher.add(inputs.index(message.topic), stamp_ns(decoded), decoded)
            if matched is not None:
                image, depth, *mask = matched
                yield FrameMessages(image, depth, mask[0] if mask else None, newest_info, raw=is_raw("auto", inputs[0]))
